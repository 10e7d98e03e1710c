import type { Random24 } from "../memory/ids.js";
import type { RequestScope } from "../memory/reservations.js";

/** A reservation_id taken apart: which record it means, and the proof that who names it was told. */
export interface ReservationIdParts extends RequestScope {
  readonly requestId: string;
  /** Nine bytes. */
  readonly secret: Buffer;
}

const SECRET_LETTERS = 12;
const SECRET_BYTES = 9;
const DIGITS = 2;
const RADIX = 36;

/** Make nine bytes that cannot be guessed. */
export function makeSecret(random: Random24): Buffer {
  const secret = Buffer.allocUnsafe(SECRET_BYTES);
  secret.writeUIntBE(random(), 0, 3);
  secret.writeUIntBE(random(), 3, 3);
  secret.writeUIntBE(random(), 6, 3);
  return secret;
}

/** Write a reservation_id: twelve letters of secret, then request_id and workspace with their lengths, then the principal. */
export function writeReservationId(secret: Buffer, { workspace, principal }: RequestScope, requestId: string): string {
  return `${secret.toString("base64url")}${sized(requestId)}${sized(workspace)}${principal}`;
}

/** Read a reservation_id; undefined for any text that `writeReservationId` did not give. */
export function readReservationId(text: string): ReservationIdParts | undefined {
  const secret = Buffer.from(text.slice(0, SECRET_LETTERS), "base64url");
  const request = readSized(text, SECRET_LETTERS);
  const workspace = request && readSized(text, request.end);
  if (!workspace || secret.length !== SECRET_BYTES) return undefined;
  const parts = { secret, requestId: request.value, workspace: workspace.value, principal: text.slice(workspace.end) };
  // Whatever else reads alike is none of ours, and must not come to mean a key of another form.
  const isOurs = parts.principal !== "" && !/[^!-~]/.test(text);
  return isOurs && writeReservationId(secret, parts, parts.requestId) === text ? parts : undefined;
}

function sized(text: string): string {
  return text.length.toString(RADIX).padStart(DIGITS, "0") + text;
}

function readSized(text: string, at: number): { readonly value: string; readonly end: number } | undefined {
  const digits = text.slice(at, at + DIGITS);
  if (!/^[0-9a-z]{2}$/.test(digits)) return undefined;
  const start = at + DIGITS;
  const end = start + Number.parseInt(digits, RADIX);
  return end === start || end > text.length ? undefined : { value: text.slice(start, end), end };
}
