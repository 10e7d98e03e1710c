import { once } from "node:events";
import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { request as secureRequest } from "node:https";
import { inTime } from "../redis/deadlines.js";
import { endAfterwards } from "../redis/ending.js";
import type { Certificate } from "./certificates.js";

const DEADLINE_MS = 15_000;

/** A call to a port of 127.0.0.1, on a connection of its own. */
export interface HttpCall {
  readonly port: number;
  readonly path: string;
  /** POST where there is a body, else GET, when left out. */
  readonly method?: string;
  /** A list is sent as so many headers of that name. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** Text or bytes as they are, anything else as JSON. */
  readonly body?: unknown;
  /** A certificate of the caller's and the root that it trusts; plain HTTP when left out. */
  readonly tls?: { readonly client?: Certificate; readonly root: string };
}

/** An answer as it comes. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The next part of the body, as it arrived; undefined at its end. @throws what broke it off. */
  part(): Promise<string | undefined>;
  /** All that is left of the body. @throws what broke it off. */
  text(): Promise<string>;
  /** Hang up. */
  hangUp(): void;
}

/** Call, and resolve once the head of the answer is there. @throws the system's error where none comes. */
export async function httpCall({ port, path, method, headers = {}, body, tls }: HttpCall): Promise<HttpAnswer> {
  const bytes = body === undefined || typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const options = {
    host: "127.0.0.1",
    port,
    path,
    method: method ?? (bytes === undefined ? "GET" : "POST"),
    headers: { ...(bytes === undefined ? {} : { "content-type": "application/json" }), ...headers },
    agent: false as const,
  };
  const sent = tls
    ? secureRequest({ ...options, ca: tls.root, cert: tls.client?.certificate, key: tls.client?.key })
    : request(options);
  endAfterwards(async () => void sent.destroy());
  const head = once(sent, "response") as Promise<[IncomingMessage]>;
  sent.end(bytes);
  const [response] = await inTime(DEADLINE_MS, `an answer to ${path}`, head);
  // Told by the iteration too.
  sent.on("error", () => {});
  const parts = response.setEncoding("utf8")[Symbol.asyncIterator]() as AsyncIterator<string>;
  const part = async () => {
    const { done, value } = await inTime(DEADLINE_MS, "a part of the answer", parts.next());
    return done ? undefined : value;
  };
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    part,
    text: async () => {
      let text = "";
      for (let next = await part(); next !== undefined; next = await part()) text += next;
      return text;
    },
    hangUp: () => void sent.destroy(),
  };
}
