const SHARDS = 64;

/**
 * A map from strings to slots that grows without long pauses.
 *
 * One Map of millions of keys stops the process for a tenth of a second when it doubles, and ends at 2^24 keys; 64 of
 * them do neither.
 */
export class StringIndex {
  readonly #shards = Array.from({ length: SHARDS }, () => new Map<string, number>());

  /** The slot of a key; 0 where there is none. */
  get(key: string): number {
    return this.#shard(key).get(key) ?? 0;
  }

  set(key: string, slot: number): void {
    this.#shard(key).set(key, slot);
  }

  delete(key: string): void {
    this.#shard(key).delete(key);
  }

  get size(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.size, 0);
  }

  /** Ids differ at their ends: sequence numbers, random digits. */
  #shard(key: string): Map<string, number> {
    const end = key.length;
    const mixed = key.charCodeAt(end - 1) * 31 + key.charCodeAt(end - 2) * 7 + key.charCodeAt(end >>> 1);
    const shard = this.#shards[mixed & (SHARDS - 1)];
    if (!shard) throw new RangeError("an index has all its shards");
    return shard;
  }
}
