import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { Link } from "./fault-link.js";
import type { Cut, Mode } from "./fault-mode.js";
import { inTime } from "./redis/deadlines.js";
import { endAfterwards } from "./redis/ending.js";
import { freePort } from "./redis/free-port.js";

const HOST = "127.0.0.1";
const TRIES = 20;
const SOCKET_MS = 5_000;
const PASS: Mode = { kind: "pass" };

/**
 * Start a proxy on a free port of 127.0.0.1 in front of a server. It passes everything until it is told otherwise,
 * and is ended after the test, or after the file where no test runs.
 *
 * @param target the server; it need not be there yet.
 * @throws Error where no port can be bound.
 */
export async function startProxy(target: { readonly port: number; readonly host?: string }): Promise<FaultProxy> {
  for (let tries = 1; ; tries += 1) {
    const proxy = new FaultProxy(await freePort(), { host: HOST, ...target });
    try {
      await proxy.pass();
    } catch (error) {
      const isTaken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
      if (!isTaken || tries === TRIES) throw error;
      continue;
    }
    endAfterwards(() => proxy.stop());
    return proxy;
  }
}

/**
 * What a network does to a client and its server. A mode holds for connections that are open, for what waits in
 * them, and for those to come, until the next mode is set.
 */
export class FaultProxy {
  readonly port: number;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #links = new Set<Link>();
  #mode: Mode = PASS;
  #server: Server | undefined;
  #accepted = 0;
  #toServer = 0;
  #toClient = 0;
  #swallowed = 0;

  constructor(port: number, target: { readonly host: string; readonly port: number }) {
    this.port = port;
    this.#target = target;
  }

  /** Connections accepted so far, and of those the ones whose client is still there. */
  get connections(): { readonly accepted: number; readonly open: number } {
    return { accepted: this.#accepted, open: this.#links.size };
  }

  /** Bytes that were let through so far, and those that `halfOpen` swallowed. */
  get bytes(): { readonly toServer: number; readonly toClient: number; readonly swallowed: number } {
    return { toServer: this.#toServer, toClient: this.#toClient, swallowed: this.#swallowed };
  }

  /** Let everything through at once. */
  pass(): Promise<void> {
    return this.#be(PASS);
  }

  /** Let each chunk through, in either direction, so many ms after it came. */
  delay(ms: number): Promise<void> {
    return this.#be({ kind: "delay", ms });
  }

  /** Let so many bytes a second through each direction of each connection. */
  throttle(bytesPerSecond: number): Promise<void> {
    return this.#be({ kind: "throttle", bytesPerSecond });
  }

  /**
   * Cut each connection once so many bytes of the server's replies have come through it from now on: in the middle of
   * a reply, or with 0 before its first byte, when the server has done what it was asked and the client cannot know.
   *
   * @param options `by` "rst" (the default) or "fin"; with `isOnce` only the first connection that comes so far is
   *   cut, and then everything passes.
   */
  cutAfter(bytes: number, options: { readonly by?: Cut; readonly isOnce?: boolean } = {}): Promise<void> {
    return this.#be({ kind: "cut_after", bytes, by: options.by ?? "rst", isOnce: options.isOnce ?? false });
  }

  /**
   * Accept and swallow: nothing is answered, nothing is closed. A connection that has lost bytes or an end stays so
   * in every later mode, until it is cut.
   */
  halfOpen(): Promise<void> {
    return this.#be({ kind: "half_open" });
  }

  /** Refuse new connections, and leave the open ones in their mode. Setting any other mode accepts again. */
  async refuse(): Promise<void> {
    this.#server?.close();
    this.#server = undefined;
  }

  /** Cut all open connections now; the mode stays. */
  cutAll(by: Cut = "rst"): void {
    for (const link of this.#links) link.cut(by);
  }

  /** Cut everything and accept nothing more. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = server === undefined ? undefined : once(server, "close");
    server?.close();
    this.cutAll();
    if (closed) await inTime(SOCKET_MS, `the end of the proxy on port ${this.port}`, closed);
  }

  async #be(mode: Mode): Promise<void> {
    this.#mode = mode;
    for (const link of this.#links) link.reconsider();
    this.#server ??= await this.#listen();
  }

  async #listen(): Promise<Server> {
    const server = createServer({ allowHalfOpen: true }, (client) => {
      this.#accepted += 1;
      const link = new Link(client, {
        target: this.#target,
        mode: () => this.#mode,
        passedToServer: (bytes) => {
          this.#toServer += bytes;
        },
        passedToClient: (bytes) => {
          this.#toClient += bytes;
        },
        swallowed: (bytes) => {
          this.#swallowed += bytes;
        },
        cut: (by) => {
          if (by.kind === "cut_after" && by.isOnce && by === this.#mode) this.#mode = PASS;
        },
      });
      this.#links.add(link);
      client.once("close", () => this.#links.delete(link));
    });
    server.listen({ port: this.port, host: HOST, exclusive: true });
    await inTime(SOCKET_MS, `port ${this.port}`, once(server, "listening"));
    return server;
  }
}
