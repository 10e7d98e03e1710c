import { createHmac } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { AlertNotice, Notifier } from "../app/alert-ports.js";
import type { SecretPlace } from "../domain/secret-place.js";
import type { Millis } from "../domain/units.js";
import { alertBody } from "./message.js";

/** What the signature stands in: `t=<seconds since 1970>,v1=<HMAC-SHA-256 of "<t>.<body>", in hex>`. */
export const SIGNATURE_HEADER = "windbreak-signature";

const ANSWER_MS: Millis = 5_000;
const PAUSES_MS: readonly Millis[] = [1_000, 4_000];

const ENDING = "the service ends";

export interface WebhookOptions {
  /** Reads a secret as it is now, or says why there is none. Asked at each post. */
  readonly secretAt: (place: SecretPlace) => Promise<{ readonly key: string } | { readonly why: string }>;
  readonly userAgent: string;
  /** How long an answer may take; 5 s when left out. */
  readonly answerMs?: Millis;
  /** Before the second try and each one after it; 1 s and 4 s when left out. */
  readonly pausesMs?: readonly Millis[];
  /** Ends waiting for an answer or a next try. */
  readonly stopped: AbortSignal;
}

/**
 * Posts alerts to webhooks, a few tries each.
 *
 * A redirect is a failure: whoever answers for the URL must not choose where a body with the organization's figures goes,
 * nor what this process reaches. No line says the URL, because it may be all that guards the channel.
 */
export class Webhook implements Notifier {
  readonly #options: WebhookOptions;

  constructor(options: WebhookOptions) {
    this.#options = options;
  }

  async notify(notice: AlertNotice): Promise<string | undefined> {
    const { pausesMs = PAUSES_MS, stopped } = this.#options;
    const body = alertBody(notice);
    let why = stopped.aborted ? ENDING : await this.#post(notice, body);
    for (const ms of pausesMs) {
      if (why === undefined || stopped.aborted) break;
      await pause(ms, undefined, { ref: false, signal: stopped }).catch(ignoreAbort);
      if (!stopped.aborted) why = await this.#post(notice, body);
    }
    return why;
  }

  async #post({ target, now }: AlertNotice, body: string): Promise<string | undefined> {
    const { secretAt, userAgent, answerMs = ANSWER_MS, stopped } = this.#options;
    const headers: Record<string, string> = { "content-type": "application/json", "user-agent": userAgent };
    if (target.secret) {
      const secret = await secretAt(target.secret);
      if ("why" in secret) return `it cannot be signed: ${secret.why}`;
      headers[SIGNATURE_HEADER] = signature(secret.key, body, Math.floor(now / 1000));
    }
    try {
      const signal = AbortSignal.any([AbortSignal.timeout(answerMs), stopped]);
      const answer = await fetch(target.webhook, { method: "POST", headers, body, redirect: "manual", signal });
      await answer.body?.cancel();
      if (answer.ok) return undefined;
      const isRedirect = answer.status >= 300 && answer.status < 400;
      return `it answered ${answer.status}${isRedirect ? "; redirects are not followed" : ""}`;
    } catch (cause) {
      return reasonOf(cause, answerMs);
    }
  }
}

function signature(key: string, body: string, seconds: number): string {
  const digest = createHmac("sha256", key).update(`${seconds}.${body}`).digest("hex");
  return `t=${seconds},v1=${digest}`;
}

/** The system's own word for it: what `fetch` says besides may hold the URL. */
function reasonOf(cause: unknown, answerMs: Millis): string {
  if (!(cause instanceof Error)) throw cause;
  if (cause.name === "AbortError") return ENDING;
  if (cause.name === "TimeoutError") return `it did not answer within ${answerMs} ms`;
  const inner = cause.cause;
  const code = inner instanceof Error && "code" in inner ? String(inner.code) : undefined;
  return code === undefined ? "it could not be reached" : `it could not be reached (${code})`;
}

function ignoreAbort(cause: unknown): void {
  if (!(cause instanceof Error) || cause.name !== "AbortError") throw cause;
}
