const FIRST_CAPACITY = 256;

/**
 * Bytes put aside until more come, in one buffer that grows.
 *
 * Copies, so that a small rest does not keep the large chunk that it came in, nor many small ones a buffer each. Who
 * appends keeps the bound.
 */
export class HeldBytes {
  #bytes = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(bytes: Buffer): void {
    const length = this.#length + bytes.length;
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(FIRST_CAPACITY, length, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    bytes.copy(this.#bytes, this.#length);
    this.#length = length;
  }

  /** All that is held, which then is nothing. Valid until the next append. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return taken;
  }

  /** Give up what is held, and its memory. */
  clear(): void {
    this.#bytes = Buffer.alloc(0);
    this.#length = 0;
  }
}
