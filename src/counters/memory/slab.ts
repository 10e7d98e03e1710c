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
  /** The same bytes. */
  readonly #bytes: Buffer[] = [];
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

  /**
   * Take a certain record, which need not be the next; all its bytes are 0. For restoring what another process wrote:
   * the records that are given back are in no order until `relist`.
   */
  claim(slot: number): void {
    while (this.#used < slot) this.#grow();
    this.#taken++;
    for (let field = 0; field < this.#recordBytes; field += 4) this.setU32(slot, field, 0);
  }

  /** Find anew which records can be taken again, after some were claimed. */
  relist(isTaken: (slot: number) => boolean): void {
    this.#free = 0;
    this.#taken = 0;
    for (let slot = this.#used; slot > 0; slot--) {
      if (isTaken(slot)) {
        this.#taken++;
      } else {
        this.setU32(slot, 0, this.#free);
        this.#free = slot;
      }
    }
  }

  /** Copy the first bytes of a record to a place in other bytes. */
  copyTo(target: Buffer, at: number, slot: number, length: number): void {
    const start = this.#start(slot);
    this.#bytesOf(slot).copy(target, at, start, start + length);
  }

  /** Copy bytes over the first ones of a record. */
  copyFrom(source: Buffer, slot: number): void {
    source.copy(this.#bytesOf(slot), this.#start(slot));
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

  #bytesOf(slot: number): Buffer {
    const bytes = this.#bytes[(slot - 1) >>> CHUNK_BITS];
    if (!bytes) throw new RangeError(`slot ${slot} was never taken`);
    return bytes;
  }

  #start(slot: number): number {
    return ((slot - 1) & CHUNK_MASK) * this.#recordBytes;
  }

  #grow(): number {
    if ((this.#used & CHUNK_MASK) === 0) {
      const bytes = new ArrayBuffer(this.#recordBytes * CHUNK_RECORDS);
      this.#chunks.push(new DataView(bytes));
      this.#bytes.push(Buffer.from(bytes));
    }
    return ++this.#used;
  }
}
