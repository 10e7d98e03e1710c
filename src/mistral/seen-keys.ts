/** Beyond so many keys a set finds one faster than a list does. */
const LISTED = 8;

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

  /** Say whether the object that is open at this depth has not had the key, and remember it. */
  isNew(depth: number, key: string): boolean {
    const set = this.#sets[depth];
    if (set) return set.size < set.add(key).size;
    const list = this.#lists[depth] ?? [];
    if (list.includes(key)) return false;
    list.push(key);
    if (list.length > LISTED) this.#sets[depth] = new Set(list);
    return true;
  }
}
