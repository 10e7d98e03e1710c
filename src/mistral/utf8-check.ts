import { isUtf8 } from "node:buffer";

const NOTHING = Buffer.alloc(0);

/**
 * Checks that bytes which come in chunks are UTF-8, however the chunks cut its characters.
 *
 * Overlong forms, surrogates and code points above U+10FFFF are refused, as `isUtf8` refuses them.
 */
export class Utf8Check {
  /** The first bytes of a character that the last chunk cut: at most three. */
  #cut: Buffer = NOTHING;

  /** Say whether all bytes so far can be the start of a UTF-8 text. */
  push(chunk: Buffer): boolean {
    let from = 0;
    if (this.#cut.length > 0) {
      from = Math.min(lengthOf(this.#cut[0] ?? 0) - this.#cut.length, chunk.length);
      const joined = Buffer.concat([this.#cut, chunk.subarray(0, from)]);
      this.#cut = NOTHING;
      if (joined.length < lengthOf(joined[0] ?? 0)) {
        this.#cut = joined;
        return true;
      }
      if (!isUtf8(joined)) return false;
    }
    const to = startOfCut(chunk, from);
    if (to < chunk.length) this.#cut = Buffer.from(chunk.subarray(to));
    return isUtf8(chunk.subarray(from, to));
  }

  /** Say whether the text may end here: not within a character. */
  end(): boolean {
    return this.#cut.length === 0;
  }
}

/** Where the character begins that the chunk does not hold whole; the chunk's length where there is none. */
function startOfCut(chunk: Buffer, from: number): number {
  for (let at = chunk.length - 1; at >= Math.max(from, chunk.length - 3); at--) {
    const length = lengthOf(chunk[at] ?? 0);
    if (length > 0) return at + length > chunk.length ? at : chunk.length;
  }
  return chunk.length;
}

/** How many bytes the character has that a byte begins; 0 for a byte that begins none. */
function lengthOf(byte: number): number {
  if (byte < 0x80) return 1;
  if (byte < 0xc0) return 0;
  if (byte < 0xe0) return 2;
  return byte < 0xf0 ? 3 : byte < 0xf8 ? 4 : 0;
}
