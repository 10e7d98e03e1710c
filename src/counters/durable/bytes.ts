const FIRST_BYTES = 4096;
const MOST_TEXT_BYTES = 0xffff;

/** Bytes that grow at their end, kept from one use to the next. */
export class ByteWriter {
  #bytes = Buffer.alloc(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length);
  #length = 0;

  /** The bytes written, and more behind them. Another buffer once it has grown. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  get length(): number {
    return this.#length;
  }

  /** Forget what was written from here on. */
  cut(length: number): void {
    this.#length = length;
  }

  u8(value: number): void {
    // Room first: it may take other bytes.
    const at = this.skip(1);
    this.#bytes[at] = value;
  }

  u32(value: number): void {
    const at = this.skip(4);
    this.#view.setUint32(at, value, true);
  }

  f64(value: number): void {
    const at = this.skip(8);
    this.#view.setFloat64(at, value, true);
  }

  /** @throws RangeError for a text of more than 65535 bytes. */
  text(value: string): void {
    // A UTF-16 unit takes three bytes at the most.
    this.#makeRoom(2 + value.length * 3);
    const length = this.#bytes.write(value, this.#length + 2);
    if (length > MOST_TEXT_BYTES) throw new RangeError(`a text of ${length} bytes is too long to be kept`);
    this.#view.setUint16(this.#length, length, true);
    this.#length += 2 + length;
  }

  /** An empty text and none are two things. */
  optionalText(value: string | undefined): void {
    this.u8(value === undefined ? 0 : 1);
    if (value !== undefined) this.text(value);
  }

  /** Leave room. @returns where it begins. */
  skip(length: number): number {
    this.#makeRoom(length);
    const at = this.#length;
    this.#length += length;
    return at;
  }

  /** Overwrite four bytes that were written. */
  setU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  #makeRoom(length: number): void {
    if (this.#length + length <= this.#bytes.length) return;
    const bytes = Buffer.alloc(Math.max(this.#bytes.length * 2, this.#length + length));
    this.#bytes.copy(bytes, 0, 0, this.#length);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
}

/** Reads what a ByteWriter wrote. Every method throws RangeError where the bytes end first. */
export class ByteReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;

  constructor(bytes: Buffer, from: number, end: number) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = end;
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  f64(): number {
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  text(): string {
    const length = this.#bytes.readUInt16LE(this.#take(2));
    const at = this.#take(length);
    return this.#bytes.toString("utf8", at, at + length);
  }

  optionalText(): string | undefined {
    return this.u8() === 0 ? undefined : this.text();
  }

  /** The next bytes, shared with what is read from. */
  bytes(length: number): Buffer {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.#end) throw new RangeError("the record ends too early");
    this.#at += length;
    return at;
  }
}
