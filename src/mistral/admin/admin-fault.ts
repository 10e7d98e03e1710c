import type { KeyFault } from "../../app/key-ports.js";
import { isRecord } from "../json-value.js";
import type { Answered } from "./exchange.js";

/** Longer ones are cut: a server may answer with a page. */
const MOST_SHOWN = 200;

const UNAVAILABLE: ReadonlyMap<number, string> = new Map([
  [
    401,
    "give the organization's admin key, which a workspace's key is not, and the header that it goes in (mistral.key and mistral.auth of the keys file)",
  ],
  [
    403,
    "the Admin API is for Enterprise organizations and their admin keys; without them, make and revoke keys in Mistral's console",
  ],
  [
    404,
    "there is no Admin API at this address; see mistral.url and mistral.dialect of the keys file, or make and revoke keys in Mistral's console",
  ],
]);

/**
 * Tell for a person why a request did not do what it asked.
 *
 * @param place the address, which holds no secret.
 * @param secret what no text of the server's may repeat: the key that was shown to it.
 */
export function adminFault(answered: Answered, place: string, secret: string): KeyFault {
  if (answered.kind === "silent") {
    return { kind: "unknown", why: `${place} ${answered.why}; see whether it can be reached from here, and try again` };
  }
  const { status, retryAfterMs } = answered;
  const what = `${place} answers ${status}${said(answered.body, secret)}`;
  const unavailable = UNAVAILABLE.get(status);
  if (unavailable !== undefined) return { kind: "unavailable", why: `${what}; ${unavailable}` };
  if (status === 429) {
    const wait = retryAfterMs === undefined ? "later" : `in ${Math.ceil(retryAfterMs / 1_000)} s`;
    return { kind: "refused", why: `${what}: too many requests; try again ${wait}` };
  }
  if (status >= 400 && status < 500) return { kind: "refused", why: `${what}; correct what it names` };
  if (status >= 300 && status < 400) {
    return { kind: "unknown", why: `${what}; redirects are not followed: put the right address into mistral.url` };
  }
  return { kind: "unknown", why: `${what}; try again later` };
}

/** Tell that an answer is not what this version reads. */
export function misread(place: string, what: string): KeyFault {
  return {
    kind: "unknown",
    why: `${place} answers with ${what}; see mistral.url and mistral.dialect of the keys file`,
  };
}

/** The server's own words, in parentheses; empty where it has none. */
function said(body: unknown, secret: string): string {
  const text = words(body)?.replaceAll(secret, "…").trim() ?? "";
  if (text === "") return "";
  return ` (${text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text})`;
}

/** Mistral says what is wrong under three names, and of fields as a list. */
function words(body: unknown): string | undefined {
  if (typeof body === "string") return body;
  if (Array.isArray(body)) return words(body[0]);
  if (!isRecord(body)) return undefined;
  const field = Array.isArray(body["loc"]) ? `${body["loc"].join(".")}: ` : "";
  const inner = words(body["message"] ?? body["detail"] ?? body["error"] ?? body["msg"]);
  return inner === undefined ? undefined : `${field}${inner}`;
}
