import type { Socket } from "node:net";
import type { Cut } from "./bounds.js";

/** Receives each connection as it is accepted. */
export type Accept = (socket: Socket) => void;

/** What connections on TCP pass before they are accepted. */
export interface Gate {
  /** Hand on the connection once it may pass, as what it has become, or destroy it. */
  enter(socket: Socket, passed: Accept): void;
}

/** How many connections a listener may have, and who goes when there are more. */
export interface Ceiling {
  readonly most: number;
  /**
   * Close some that nobody uses. Nobody is asked to go when left out.
   *
   * @returns whether there were any.
   */
  readonly makeRoom?: ((accepted: Iterable<Socket | undefined>) => boolean) | undefined;
  readonly cut: Cut;
}

/** The connections of one address, as they came from the system. */
export class Connections {
  /** Each with what it became at the gate; undefined: it has not passed yet. */
  readonly all = new Map<Socket, Socket | undefined>();
  readonly #ceiling: Ceiling | undefined;

  constructor(ceiling: Ceiling | undefined) {
    this.#ceiling = ceiling;
  }

  /** Take a connection and see it through the gate, where there is one. */
  take(socket: Socket, accept: Accept, gate: Gate | undefined): void {
    if (!this.#hasRoom()) {
      socket.destroy();
      return;
    }
    this.all.set(socket, undefined);
    socket.once("close", () => this.all.delete(socket));
    const passed: Accept = (accepted) => {
      this.all.set(socket, accepted);
      accept(accepted);
    };
    if (gate) gate.enter(socket, passed);
    else passed(socket);
  }

  /** Tell of a connection that the system could not give: it has no room for it, most likely. */
  lost(error: Error): void {
    this.#ceiling?.cut("accept_failed", `a connection could not be accepted: ${error.message}`);
  }

  #hasRoom(): boolean {
    if (!this.#ceiling) return true;
    const { most, makeRoom, cut } = this.#ceiling;
    if (this.all.size < most || makeRoom?.(this.all.values())) return true;
    cut("too_many_connections", `a listener has ${most} connections, and took no more`);
    return false;
  }
}
