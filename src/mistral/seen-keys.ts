/** Beyond so many keys a set finds one faster than a list does. */
const LISTED = 8;

/** Keys of one object. A set that grows beyond stops all others for milliseconds at once, whenever it grows. */
const MOST_KEYS = 10_000;

/** The keys of the objects that are open, one list for each depth: most objects are small, and a set costs more. */
export class SeenKeys {
  readonly #lists: string[][] = [];
  readonly #sets: (Set<string> | undefined)[] = [];

  /** An object opens at this depth. */
  open(depth: number): void {
    const list = this.#lists[depth];
    if (list) list.length = 0;
    else this.#lists[depth] = [];
    this.#sets[depth] = undefined;
  }

  /** Remember a key of the object that is open at this depth, and say whether it has had it. */
  add(depth: number, key: string): "new" | "seen" | "too_many" {
    const set = this.#sets[depth];
    if (!set) return this.#list(depth, key);
    const { size } = set;
    if (set.add(key).size === size) return "seen";
    return size === MOST_KEYS ? "too_many" : "new";
  }

  #list(depth: number, key: string): "new" | "seen" {
    const list = this.#lists[depth] ?? [];
    if (list.includes(key)) return "seen";
    list.push(key);
    if (list.length > LISTED) this.#sets[depth] = new Set(list);
    return "new";
  }
}
