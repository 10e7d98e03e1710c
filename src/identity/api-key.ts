import { hash } from "node:crypto";
import { crc32 } from "node:zlib";

/**
 * An API key of Windbreak's own: `wb_`, a key id of 8 characters, `_`, 43 characters of secret, 6 of checksum; all of
 * 0-9, A-Z and a-z, 61 in sum.
 *
 * The id is no secret: it tells keys apart in logs and lists. 43 such characters hold 256 random bits. The checksum is
 * the CRC-32 of all before it: it tells a key that was cut short or mistyped from one that is not known, without looking
 * it up, and lets scanners of leaked secrets know a key when they see one.
 */
export interface ApiKey {
  readonly kind: "key";
  readonly id: string;
}

/** What only looks like a key, and why, as the end of a sentence that begins with it. Holds nothing of its text. */
export interface NoApiKey {
  readonly kind: "none";
  readonly why: string;
}

const FORM = /^wb_([0-9A-Za-z]{8})_[0-9A-Za-z]{49}$/;
const LENGTH = 61;
const CHECKSUM_AT = 55;
const CHECKSUM_DIGITS = 6;
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/**
 * Make a key that nobody can guess.
 *
 * @param random gives so many bytes of the system's generator.
 */
export function makeApiKey(random: (count: number) => Buffer): string {
  // 64 bits where 48 would do: cut to eight digits, no id is likelier than another to a measurable degree.
  const id = inDigits(BigInt(`0x${random(8).toString("hex")}`), 8);
  const secret = inDigits(BigInt(`0x${random(32).toString("hex")}`), 43);
  const head = `wb_${id}_${secret}`;
  return head + checksumOf(head);
}

/** Read a key as its caller sent it. That it is whole does not say that anybody knows it. */
export function parseApiKey(text: string): ApiKey | NoApiKey {
  const id = FORM.exec(text)?.[1];
  if (id === undefined) return { kind: "none", why: whyFormless(text) };
  if (checksumOf(text.slice(0, CHECKSUM_AT)) === text.slice(CHECKSUM_AT)) return { kind: "key", id };
  return { kind: "none", why: "is mistyped: its checksum does not fit" };
}

/** What the policy holds of a key, `api_key_sha256`: 64 lower-case hexadecimal digits. */
export function hashApiKey(text: string): string {
  return hash("sha256", text, "hex");
}

function whyFormless(text: string): string {
  if (text.length < LENGTH) return `is cut short: a key has ${LENGTH} characters`;
  return `is none: a key has ${LENGTH} characters, letters and digits after wb_`;
}

/** Six digits hold more than 32 bits. Without bigint: keys are read in each call, and that would take 0.7 us rather than 0.4. */
function checksumOf(head: string): string {
  let rest = crc32(head);
  let text = "";
  while (text.length < CHECKSUM_DIGITS) {
    text = (DIGITS[rest % 62] ?? "") + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}

/** The lowest digits of a number, to the base of 62. */
function inDigits(number: bigint, count: number): string {
  let rest = number;
  let text = "";
  while (text.length < count) {
    text = (DIGITS[Number(rest % 62n)] ?? "") + text;
    rest /= 62n;
  }
  return text;
}
