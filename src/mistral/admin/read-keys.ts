import type { LastUse, ListedKey } from "../../app/key-ports.js";
import type { EpochMs } from "../../domain/units.js";
import { isRecord } from "../json-value.js";

type Fields = Readonly<Record<string, unknown>>;

/**
 * Read a page of keys as any of the two dialects answers it: a list, or one under `keys` or `data`.
 *
 * @returns undefined where it is none, or holds a key without an id: an audit must not pass over one in silence.
 */
export function readKeyPage(body: unknown): readonly ListedKey[] | undefined {
  const items = Array.isArray(body) ? body : isRecord(body) ? (body["keys"] ?? body["data"]) : undefined;
  if (!Array.isArray(items)) return undefined;
  const keys = items.map(listedKey);
  return keys.every((key) => key !== undefined) ? keys : undefined;
}

/** The id and the secret of a key that was just made; either is undefined where the answer does not hold it. */
export function readMadeKey(body: unknown): {
  readonly id: string | undefined;
  readonly secret: string | undefined;
  readonly expiresAt: EpochMs | undefined;
} {
  const fields = isRecord(body) ? body : {};
  const secret = textIn(fields, "key", "api_key", "apiKey", "secret");
  return {
    id: textIn(fields, "key_id", "id"),
    // As a header takes it; what is masked holds dots in a row or stars.
    secret: secret !== undefined && SECRET.test(secret) && !MASKED.test(secret) ? secret : undefined,
    expiresAt: instantIn(fields, "expiration_date", "expires_at", "expiration"),
  };
}

const SECRET = /^[!-~]{8,512}$/;
const MASKED = /\.\.\.|…|\*{2}/;

function listedKey(item: unknown): ListedKey | undefined {
  const fields = isRecord(item) ? item : {};
  const id = textIn(fields, "key_id", "id");
  if (id === undefined) return undefined;
  return {
    id,
    name: textIn(fields, "name") ?? "",
    workspace: workspaceIn(fields),
    mask: maskIn(fields),
    createdAt: instantIn(fields, "created_at"),
    expiresAt: instantIn(fields, "expiration_date", "expires_at", "expiration"),
    lastUse: lastUseIn(fields),
  };
}

function workspaceIn(fields: Fields): ListedKey["workspace"] {
  const inner = isRecord(fields["workspace"]) ? fields["workspace"] : {};
  const id = textIn(fields, "workspace_id", "workspace_uuid") ?? textIn(inner, "id", "uuid");
  return id === undefined ? undefined : { id, name: textIn(fields, "workspace_name") ?? textIn(inner, "name") };
}

/** A server that gave the whole secret there would have it shown: only what is masked is taken. */
function maskIn(fields: Fields): string | undefined {
  const mask = textIn(fields, "hidden_key", "masked_key");
  return mask !== undefined && mask.length <= 40 && MASKED.test(mask) ? mask : undefined;
}

function lastUseIn(fields: Fields): LastUse {
  const name = ["last_used", "last_used_at"].find((known) => Object.hasOwn(fields, known));
  if (name === undefined) return { kind: "unknown" };
  const written = fields[name];
  if (written === null || written === "") return { kind: "never" };
  const at = instantOf(written);
  if (at === undefined) return { kind: "unknown" };
  return typeof written === "string" && DATE.test(written) ? { kind: "day", start: at } : { kind: "instant", at };
}

function textIn(fields: Fields, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = fields[name];
    if (typeof value === "string" && value !== "") return value;
    if (typeof value === "number") return String(value);
  }
  return undefined;
}

function instantIn(fields: Fields, ...names: readonly string[]): EpochMs | undefined {
  for (const name of names) {
    const at = instantOf(fields[name]);
    if (at !== undefined) return at;
  }
  return undefined;
}

const DATE = /^\d{4}-\d\d-\d\d$/;
const ZONELESS = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?$/;
/** Seconds since 1970 stay below until the year 5138, milliseconds have been above since 1973. */
const LEAST_MILLIS = 1e11;

/** The last time that a date can hold, either way from 1970. */
const MOST_MILLIS = 8.64e15;

/** A date is meant in UTC, and so is a time without a zone. */
function instantOf(written: unknown): EpochMs | undefined {
  const at =
    typeof written === "number" ? millisOf(written) : typeof written === "string" ? parsed(written) : undefined;
  return at !== undefined && Math.abs(at) <= MOST_MILLIS ? at : undefined;
}

function millisOf(written: number): EpochMs {
  return Math.abs(written) < LEAST_MILLIS ? written * 1_000 : written;
}

function parsed(written: string): EpochMs | undefined {
  if (!/^\d{4}-/.test(written)) return undefined;
  const at = Date.parse(ZONELESS.test(written) ? `${written.replace(" ", "T")}Z` : written);
  return Number.isNaN(at) ? undefined : at;
}
