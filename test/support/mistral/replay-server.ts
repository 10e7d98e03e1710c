import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { createSecureServer, type Http2ServerRequest } from "node:http2";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Server, Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { inTime } from "../redis/deadlines.js";
import { endAfterwards } from "../redis/ending.js";
import { Exchange, type Outgoing, type SeenRequest } from "./exchange.js";

const DEADLINE_MS = 10_000;

type Incoming = IncomingMessage | Http2ServerRequest;

/** What a path answers. Headers come beside the content type; `gzip` compresses the body, asked for or not. */
export type Answer = WholeAnswer | StreamAnswer | { readonly kind: "stall" } | { readonly kind: "cut" };

/** One body, at once: text as it is, anything else as JSON. */
export interface WholeAnswer {
  readonly kind: "whole";
  /** 200 when left out. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly gzip?: boolean;
}

/** Server-sent events. Held ones leave one by one, as the test calls `chunk` of the exchange. */
export interface StreamAnswer {
  readonly kind: "stream";
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes as they travel: where they are split is the test's choice. */
  readonly chunks: readonly string[];
  readonly held?: boolean;
  readonly gzip?: boolean;
}

/** An answer, or what chooses it by the request. */
export type Answering = Answer | ((request: SeenRequest) => Answer);

/** What is answered, by method and path without query: `POST /v1/embeddings`. */
export type Answers = Readonly<Record<string, Answering>>;

export interface ReplayOptions {
  readonly answers: Answers;
  /** Plain HTTP when left out. */
  readonly tls?: {
    readonly certificate: string;
    readonly key: string;
    /** Offer HTTP/2 too, as Mistral does; HTTP/1.1 alone when left out. */
    readonly http2?: boolean;
  };
  /** A free one when left out. */
  readonly port?: number;
}

const NO_ROUTE: Answer = { kind: "whole", status: 404, body: { message: "no Route matched with those values" } };

/**
 * Mistral's API as far as it can be replayed: an HTTP server on 127.0.0.1 that answers what it is told and keeps
 * every request. It checks no credential: what it was sent is for the test to look at.
 */
export class ReplayServer {
  readonly port: number;
  readonly url: string;
  /** In order of arrival, each once its body is whole. */
  readonly requests: SeenRequest[] = [];
  #answers: Answers;
  readonly #close: () => Promise<void>;
  readonly #arrived: Exchange[] = [];
  readonly #waiting: ((exchange: Exchange) => void)[] = [];

  private constructor(url: string, answers: Answers, close: () => Promise<void>) {
    this.url = url;
    this.port = Number(new URL(url).port);
    this.#answers = answers;
    this.#close = close;
  }

  /** Start one. It ends after the test, or after the file where no test runs. */
  static async start({ answers, tls, port = 0 }: ReplayOptions): Promise<ReplayServer> {
    const server = serverOf(tls);
    const sockets = new Set<Socket>();
    server.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const url = `${tls ? "https" : "http"}://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const replay = new ReplayServer(url, answers, async () => {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    });
    server.on("request", (request: Incoming, response: Outgoing) => void replay.#take(request, response));
    endAfterwards(() => replay.stop());
    return replay;
  }

  /** Answer these paths so from now on; the others as before. */
  answer(answers: Answers): void {
    this.#answers = { ...this.#answers, ...answers };
  }

  /** The next request that no call of this has given yet, with the hand on its answer. @throws Error where none comes. */
  arrived(): Promise<Exchange> {
    const first = this.#arrived.shift();
    if (first) return Promise.resolve(first);
    return inTime(DEADLINE_MS, "a request to Mistral", new Promise((resolve) => this.#waiting.push(resolve)));
  }

  /** End it and cut what is open. Once more does nothing. */
  stop(): Promise<void> {
    return this.#close();
  }

  async #take(message: Incoming, response: Outgoing): Promise<void> {
    const body = await wholeBody(message);
    if (body === undefined) return;
    const request = seen(message, body);
    this.requests.push(request);
    const exchange = new Exchange(request, response);
    const waiting = this.#waiting.shift();
    if (waiting) waiting(exchange);
    else this.#arrived.push(exchange);
    const answering = this.#answers[`${request.method} ${request.url.split("?")[0]}`] ?? NO_ROUTE;
    give(typeof answering === "function" ? answering(request) : answering, exchange);
  }
}

function serverOf(tls: ReplayOptions["tls"]): Server {
  if (tls === undefined) return createServer();
  const pair = { cert: tls.certificate, key: tls.key };
  return tls.http2 === true ? createSecureServer({ ...pair, allowHTTP1: true }) : createTlsServer(pair);
}

/** Undefined where the caller broke off. */
async function wholeBody(message: Incoming): Promise<Buffer | undefined> {
  const body: Buffer[] = [];
  message.on("data", (part: Buffer) => void body.push(part));
  return new Promise((resolve) => {
    message.once("end", () => resolve(Buffer.concat(body)));
    message.once("close", () => resolve(undefined));
    // Told by its close.
    message.on("error", () => {});
  });
}

function seen({ method = "", url = "", rawHeaders }: Incoming, body: Buffer): SeenRequest {
  const headers: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    headers.push([(rawHeaders[at] ?? "").toLowerCase(), rawHeaders[at + 1] ?? ""]);
  }
  return { method, url, headers, body };
}

function give(answer: Answer, exchange: Exchange): void {
  switch (answer.kind) {
    case "stall":
      return;
    case "cut":
      exchange.cut();
      return;
    case "whole": {
      const text = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
      const body = answer.gzip ? gzipSync(text) : Buffer.from(text);
      exchange.whole(answer.status ?? 200, headersOf(answer, "application/json", body.length), body);
      return;
    }
    case "stream":
      exchange.open(headersOf(answer, "text/event-stream; charset=utf-8"), answer.chunks, answer.gzip === true);
      if (!answer.held) exchange.rest();
  }
}

function headersOf(
  answer: WholeAnswer | StreamAnswer,
  type: string,
  length?: number,
): Readonly<Record<string, string>> {
  return {
    "content-type": type,
    ...(length === undefined ? {} : { "content-length": String(length) }),
    ...(answer.gzip ? { "content-encoding": "gzip" } : {}),
    ...answer.headers,
  };
}
