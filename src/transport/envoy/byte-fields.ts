/**
 * Walks one protobuf message and stops at each field that holds bytes: a text, a message. Numbers are passed over.
 *
 * Nothing is copied or decoded: what a reader does not ask for costs it nothing.
 */
export class ByteFields {
  /** Of the field that the walk stands at. */
  number = 0;
  /** Where it begins, number and length included. */
  from = 0;
  /** Where what it holds begins. */
  start = 0;
  /** Behind its last byte. */
  end = 0;
  readonly #bytes: Buffer;
  readonly #limit: number;
  #at: number;

  /** Begin at an index of `bytes`, and go up to another. */
  constructor(bytes: Buffer, from: number, to: number) {
    this.#bytes = bytes;
    this.#at = from;
    this.#limit = to;
  }

  /** Go to the next one; false: there is none. @throws Error where the bytes are no message. */
  next(): boolean {
    while (this.#at < this.#limit) {
      const from = this.#at;
      const tag = this.#varint();
      if (tag < 8) throw malformed();
      switch (tag & 7) {
        case 0:
          this.#varint();
          break;
        case 1:
          this.#at += 8;
          break;
        case 2: {
          const length = this.#varint();
          this.number = tag >>> 3;
          this.from = from;
          this.start = this.#at;
          this.end = this.#at + length;
          this.#at = this.end;
          if (this.end > this.#limit) throw malformed();
          return true;
        }
        case 5:
          this.#at += 4;
          break;
        default:
          throw malformed();
      }
    }
    if (this.#at > this.#limit) throw malformed();
    return false;
  }

  #varint(): number {
    const first = this.#bytes[this.#at] ?? 0;
    if (first < 0x80) {
      this.#at++;
      return first;
    }
    let value = 0;
    let weight = 1;
    for (let size = 0; size < 10; size++, weight *= 0x80) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 0x7f) * weight;
      if (byte < 0x80) return value;
    }
    throw malformed();
  }
}

function malformed(): Error {
  return new Error("these bytes are no protobuf message");
}
