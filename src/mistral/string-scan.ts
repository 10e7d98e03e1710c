const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_PRINTABLE = 0x20;
const LETTER_U = 0x75;

/** What `\b`, `\f`, `\n`, `\r` and `\t` mean: the control characters that have an escape of their own. */
const SHORT_ESCAPES: ReadonlyMap<number, number> = new Map([
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
]);
/** The escapes that need two bytes; every other control character needs six. */
const SHORTENED: ReadonlySet<number> = new Set([...SHORT_ESCAPES.values(), QUOTE, BACKSLASH]);

/** What a byte means to the scan; 0: nothing. */
const SEPARATOR = 1;
const LETTER_E = 2;
const STOP = 3;
const CLASSES = new Uint8Array(256);
CLASSES.fill(STOP, 0, FIRST_PRINTABLE);
for (const byte of [QUOTE, BACKSLASH]) CLASSES[byte] = STOP;
for (const byte of Buffer.from(":,")) CLASSES[byte] = SEPARATOR;
for (const byte of Buffer.from("eE")) CLASSES[byte] = LETTER_E;

/** The most that a number with an exponent grows when it is written without: `1e15` becomes `1000000000000000.0`. */
export const EXPONENT_GROWTH = 16;

/**
 * Scans the inside of one JSON string after another, chunk by chunk, and measures without decoding.
 *
 * UTF-8 is the caller's to check. A lone surrogate (`\ud800` without its other half) is refused: it is no text, and
 * nothing could be written down for it.
 */
export class StringScan {
  /** The last string is over. */
  isDone = false;
  isEscaped = false;
  /** UTF-8 bytes of the text. */
  textBytes = 0;
  /** UTF-8 bytes of the text written as a JSON string again, without its quotes and with no needless escape. */
  quotedBytes = 0;
  /**
   * How many bytes the text may grow by where it is JSON itself and is read and written again, as Python does: a space
   * behind each `:` and `,`, and exponents written out.
   */
  growth = 0;
  /** Where in an escape the scan stands: 0 outside, 1 after the backslash, 2 to 5 before a hex digit. */
  #escape = 0;
  #unit = 0;
  /** A high surrogate waits for its other half. */
  #isHalf = false;

  begin(): void {
    this.isDone = false;
    this.isEscaped = false;
    this.textBytes = 0;
    this.quotedBytes = 0;
    this.growth = 0;
    this.#escape = 0;
    this.#isHalf = false;
  }

  /** Scan on from an index; the result is the first index that is not the string's, or -1: no JSON string. */
  scan(chunk: Buffer, from: number): number {
    const { length } = chunk;
    let at = from;
    while (at < length) {
      if (this.#escape > 0) {
        if (!this.#unescape(chunk[at++] ?? 0)) return -1;
        continue;
      }
      const start = at;
      let byte = 0;
      for (; at < length; at++) {
        byte = chunk[at] ?? 0;
        const meaning = CLASSES[byte] ?? 0;
        if (meaning === 0) continue;
        if (meaning === STOP) break;
        if (meaning === SEPARATOR) this.growth++;
        else if (mayBeExponent(chunk, at)) this.growth += EXPONENT_GROWTH;
      }
      this.textBytes += at - start;
      this.quotedBytes += at - start;
      if (at === length) return this.#isHalf && at > start ? -1 : at;
      if (byte < FIRST_PRINTABLE) return -1;
      if (this.#isHalf && (at > start || byte === QUOTE)) return -1;
      at++;
      if (byte === QUOTE) {
        this.isDone = true;
        return at;
      }
      this.#escape = 1;
      this.isEscaped = true;
    }
    return at;
  }

  #unescape(byte: number): boolean {
    if (this.#escape > 1) return this.#addHexDigit(byte);
    if (byte === LETTER_U) {
      this.#escape = 2;
      this.#unit = 0;
      return true;
    }
    const meant = SHORT_ESCAPES.get(byte) ?? (byte === QUOTE || byte === BACKSLASH || byte === 0x2f ? byte : -1);
    return meant >= 0 && this.#add(meant);
  }

  #addHexDigit(byte: number): boolean {
    const digit = hexDigit(byte);
    if (digit < 0) return false;
    this.#unit = this.#unit * 16 + digit;
    if (this.#escape < 5) {
      this.#escape++;
      return true;
    }
    return this.#add(this.#unit);
  }

  /** Take the UTF-16 unit that an escape means. */
  #add(unit: number): boolean {
    this.#escape = 0;
    const isLow = unit >= 0xdc00 && unit <= 0xdfff;
    if (isLow !== this.#isHalf) return false;
    this.#isHalf = unit >= 0xd800 && unit <= 0xdbff;
    // Each half of a pair stands for two of its four bytes.
    const bytes = unit < 0x80 ? 1 : unit < 0x800 || isLow || this.#isHalf ? 2 : 3;
    this.textBytes += bytes;
    const meaning = unit < 0x80 ? CLASSES[unit] : 0;
    if (meaning === SEPARATOR) this.growth++;
    else if (meaning === LETTER_E) this.growth += EXPONENT_GROWTH;
    this.quotedBytes += SHORTENED.has(unit) ? 2 : unit < FIRST_PRINTABLE ? 6 : bytes;
    return true;
  }
}

/** Whether the `e` at an index may stand in a number. What the chunk does not show might make it one. */
function mayBeExponent(chunk: Buffer, at: number): boolean {
  const before = chunk[at - 1];
  const after = chunk[at + 1];
  return (before === undefined || isDigit(before)) && (after === undefined || isDigit(after) || isSignOrEscape(after));
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isSignOrEscape(byte: number): boolean {
  return byte === 0x2b || byte === 0x2d || byte === BACKSLASH;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
