import { type IncomingMessage, type RequestOptions, request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import type { Millis } from "../../domain/units.js";

export interface Question {
  readonly method: "GET" | "PATCH" | "POST";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Authorities that alone are trusted, as PEM; those that Node trusts when left out. */
  readonly ca?: Buffer;
  readonly timeoutMs: Millis;
}

/** What was answered, or why nothing was, as the end of a sentence that begins with who was asked. */
export type Answered =
  | { readonly kind: "answer"; readonly status: number; readonly body: unknown }
  | { readonly kind: "none"; readonly why: string };

/** A Secret of Kubernetes has at most 1 MiB. */
const MOST_BYTES = 4 * 1024 * 1024;

class TooLong extends Error {}

/**
 * Ask an HTTP API for JSON, within a time and a size.
 *
 * Not by `fetch`, which takes no authorities of a single call's own. Redirects are not followed: whoever answers does
 * not choose where a secret goes. Never throws for what the network or the server does, and no reason shows a header or
 * a body.
 *
 * @returns a body of undefined where the answer is no JSON.
 */
export async function askHttp(question: Question): Promise<Answered> {
  const late = AbortSignal.timeout(question.timeoutMs);
  try {
    const response = await send(question, late);
    const text = await textOf(response);
    return { kind: "answer", status: response.statusCode ?? 0, body: parse(text) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (late.aborted) return none(`did not answer within ${question.timeoutMs} ms; ask again, or look at how it is`);
    if (error instanceof TooLong) return none(`answered with more than ${MOST_BYTES} bytes; check its url`);
    return none(whyOf("code" in error ? String(error.code) : error.name, question.ca !== undefined));
  }
}

function send({ method, url, headers, body, ca }: Question, signal: AbortSignal): Promise<IncomingMessage> {
  const options: RequestOptions = {
    method,
    headers: {
      accept: "application/json",
      ...headers,
      ...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }),
    },
    signal,
    // Of this call alone: it is asked a few times a month, and holds no connection in between.
    agent: false,
  };
  return new Promise((resolve, reject) => {
    const sent =
      url.protocol === "https:"
        ? requestTls(url, { ...options, ...(ca === undefined ? {} : { ca }) }, resolve)
        : requestPlain(url, options, resolve);
    sent.on("error", reject);
    sent.end(body);
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    // Leaving the loop ends the answer.
    if (bytes > MOST_BYTES) throw new TooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function none(why: string): Answered {
  return { kind: "none", why };
}

function whyOf(code: string, hasCa: boolean): string {
  if (code === "ECONNRESET" || code === "ERR_STREAM_PREMATURE_CLOSE") return "cut the connection; ask again";
  if (/CERT|SIGNATURE|TLS|SSL/.test(code)) {
    const remedy = hasCa ? "mend the file with its authority" : "trust its authority by the sink's ca";
    return `is not who its certificate says, or nobody who is trusted says so (${code}); ${remedy}, or mend its url`;
  }
  return `could not be reached (${code}); check its url, and whether the network lets this process there`;
}
