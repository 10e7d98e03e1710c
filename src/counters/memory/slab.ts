const CHUNK_BITS = 12;
const CHUNK_RECORDS = 1 << CHUNK_BITS;
const CHUNK_MASK = CHUNK_RECORDS - 1;

/**
 * Many small records of one size, outside the JavaScript heap.
 *
 * A million open reservations as objects would be marked by every full garbage collection and cost several hundred bytes
 * each. Here they are bytes in chunks of 4096 records: growing copies nothing, and a slot that was given back is taken
 * again first. A slot is a number from 1, so that 0 can mean "none".
 */
export class Slab {
  readonly #recordBytes: number;
  readonly #chunks: DataView[] = [];
  #taken = 0;
  #used = 0;
  #free = 0;

  /** @param recordBytes the size of a record, at least 4. */
  constructor(recordBytes: number) {
    this.#recordBytes = recordBytes;
  }

  /** How many records are taken. */
  get size(): number {
    return this.#taken;
  }

  /** The highest slot that was ever taken. */
  get high(): number {
    return this.#used;
  }

  /** Take a record; all its bytes are 0. */
  take(): number {
    this.#taken++;
    const slot = this.#free;
    if (slot === 0) return this.#grow();
    this.#free = this.u32(slot, 0);
    for (let field = 0; field < this.#recordBytes; field += 4) this.setU32(slot, field, 0);
    return slot;
  }

  /** Give a record back: its slot will mean another one later. Its first four bytes change, the others stay. */
  give(slot: number): void {
    this.#taken--;
    this.setU32(slot, 0, this.#free);
    this.#free = slot;
  }

  /** Read a double at a byte offset in a record. */
  f64(slot: number, field: number): number {
    return this.#chunk(slot).getFloat64(this.#start(slot) + field, true);
  }

  setF64(slot: number, field: number, value: number): void {
    this.#chunk(slot).setFloat64(this.#start(slot) + field, value, true);
  }

  /** Read an unsigned 32-bit integer at a byte offset in a record. */
  u32(slot: number, field: number): number {
    return this.#chunk(slot).getUint32(this.#start(slot) + field, true);
  }

  setU32(slot: number, field: number, value: number): void {
    this.#chunk(slot).setUint32(this.#start(slot) + field, value, true);
  }

  #chunk(slot: number): DataView {
    const chunk = this.#chunks[(slot - 1) >>> CHUNK_BITS];
    if (!chunk) throw new RangeError(`slot ${slot} was never taken`);
    return chunk;
  }

  #start(slot: number): number {
    return ((slot - 1) & CHUNK_MASK) * this.#recordBytes;
  }

  #grow(): number {
    if ((this.#used & CHUNK_MASK) === 0) {
      this.#chunks.push(new DataView(new ArrayBuffer(this.#recordBytes * CHUNK_RECORDS)));
    }
    return ++this.#used;
  }
}
