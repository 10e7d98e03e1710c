import type { EpochMs, Millis } from "../../domain/units.js";
import { parseJson } from "../json-value.js";

/** What requests go through. */
export interface Wire {
  readonly fetch: typeof fetch;
  readonly now: () => EpochMs;
  /** Wait before a request is sent again. */
  readonly pause: (ms: Millis) => Promise<void>;
  /** How long one answer may take, its body included. */
  readonly timeoutMs: Millis;
  readonly userAgent: string;
}

/** One request. Its headers hold a secret; its URL does not. */
export interface Asked {
  readonly method: "GET" | "POST" | "DELETE";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: object;
}

/** What came of a request. */
export type Answered =
  | {
      readonly kind: "answer";
      readonly status: number;
      /** JSON; undefined where the body is none. */
      readonly body: unknown;
      /** How long the server asks to be left alone; undefined: it does not. */
      readonly retryAfterMs: Millis | undefined;
    }
  /** No answer, or none that can be read to its end. */
  | { readonly kind: "silent"; readonly why: string };

/** A page of 100 keys has about 50 KB. */
const MOST_BYTES = 4 * 1024 * 1024;

/** Before the second try and those after it, where the server does not say. */
const PAUSES_MS: readonly Millis[] = [500, 1_000, 2_000];
/** Nobody at a terminal waits longer without being told. */
const LONGEST_PAUSE_MS = 30_000;
const AGAIN: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

/**
 * Send a request that may be sent twice, a few times where it fails for a reason that may pass.
 *
 * What the server asks for by Retry-After is waited for, up to 30 s; beyond, its answer is the last one.
 */
export async function askAgain(wire: Wire, asked: Asked): Promise<Answered> {
  let answered = await ask(wire, asked);
  for (const pauseMs of PAUSES_MS) {
    if (answered.kind === "answer" && !AGAIN.has(answered.status)) break;
    const waitMs = (answered.kind === "answer" ? answered.retryAfterMs : undefined) ?? pauseMs;
    if (waitMs > LONGEST_PAUSE_MS) break;
    await wire.pause(waitMs);
    answered = await ask(wire, asked);
  }
  return answered;
}

/**
 * Send a request once, within a time and a size.
 *
 * Redirects are not followed: they would carry a secret elsewhere. Never throws for what the network or the server does.
 */
export async function ask(wire: Wire, { method, url, headers, body }: Asked): Promise<Answered> {
  const late = AbortSignal.timeout(wire.timeoutMs);
  try {
    const response = await wire.fetch(url, {
      method,
      redirect: "manual",
      headers: {
        ...headers,
        accept: "application/json",
        "user-agent": wire.userAgent,
        ...(body ? { "content-type": "application/json" } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
      signal: late,
    });
    const text = await readText(response);
    if (text === undefined) return { kind: "silent", why: `answers with more than ${MOST_BYTES} bytes` };
    const retryAfterMs = retryAfter(response.headers.get("retry-after"), wire.now());
    return { kind: "answer", status: response.status, body: parseJson(text), retryAfterMs };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (late.aborted) return { kind: "silent", why: `does not answer within ${wire.timeoutMs} ms` };
    return { kind: "silent", why: `cannot be reached (${causeOf(error)})` };
  }
}

async function readText({ body }: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    // Leaving the loop ends the answer.
    if (bytes > MOST_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Seconds, or an instant as HTTP writes it. */
function retryAfter(header: string | null, now: EpochMs): Millis | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}(?:\.\d{1,9})?$/.test(header)) return Math.ceil(Number(header) * 1_000);
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

/** Fetch says of everything that it failed; why stands in the cause. Its text may hold a header, and is not shown. */
function causeOf({ cause }: Error): string {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "no reason given";
}
