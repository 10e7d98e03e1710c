import { connect, type Socket } from "node:net";
import { Flow } from "./fault-flow.js";
import type { Cut, Mode } from "./fault-mode.js";

/** What a connection is told, and whom it tells. */
export interface LinkRules {
  readonly target: { readonly host: string; readonly port: number };
  readonly mode: () => Mode;
  readonly passedToServer: (bytes: number) => void;
  readonly passedToClient: (bytes: number) => void;
  readonly swallowed: (bytes: number) => void;
  /** It was cut by this mode. */
  readonly cut: (by: Mode) => void;
}

/** One connection of a client, and the one that the proxy made to the server for it. */
export class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #rules: LinkRules;
  readonly #flows: readonly Flow[];
  /** Set for ever: a stream that has lost its middle must not go on, as TCP never lets one go on. */
  #isLost = false;
  #countedFor: Mode | undefined;
  #countedBytes = 0;

  constructor(client: Socket, rules: LinkRules) {
    this.#client = client.setNoDelay();
    this.#rules = rules;
    this.#server = connect({ ...rules.target, allowHalfOpen: true, noDelay: true });
    const both = {
      mode: rules.mode,
      isLost: () => this.#isLost,
      lose: (bytes: number) => {
        this.#isLost = true;
        rules.swallowed(bytes);
      },
      cut: () => this.#cutByMode(),
    };
    const passed = (bytes: number) => {
      this.#countedBytes += bytes;
      rules.passedToClient(bytes);
    };
    this.#flows = [
      new Flow(this.#client, this.#server, {
        ...both,
        allowance: () => Number.POSITIVE_INFINITY,
        passed: rules.passedToServer,
      }),
      new Flow(this.#server, this.#client, { ...both, allowance: () => this.#allowance(), passed }),
    ];
  }

  /** Apply a mode that has changed to what waits. */
  reconsider(): void {
    for (const flow of this.#flows) flow.reconsider();
  }

  /** End both sides at once. The server sees a reset, the client a reset or an orderly end. */
  cut(by: Cut): void {
    for (const flow of this.#flows) flow.stop();
    this.#server.resetAndDestroy();
    if (by === "rst") this.#client.resetAndDestroy();
    else this.#client.end();
  }

  /** How much of the server's replies may still pass; counted from when the mode was set. */
  #allowance(): number {
    const mode = this.#rules.mode();
    if (mode.kind !== "cut_after") return Number.POSITIVE_INFINITY;
    if (this.#countedFor !== mode) {
      this.#countedFor = mode;
      this.#countedBytes = 0;
    }
    return Math.max(0, mode.bytes - this.#countedBytes);
  }

  #cutByMode(): void {
    const mode = this.#rules.mode();
    if (mode.kind !== "cut_after") return;
    this.cut(mode.by);
    this.#rules.cut(mode);
  }
}
