import type { KeyFault, ListedKey } from "../../app/key-ports.js";

/** The most that the Admin API gives at once. */
export const PAGE_SIZE = 100;

/** So many pages hold far more keys than any organization has: a list that has not ended by then has no end. */
const MOST_PAGES = 1_000;

/** What a reading of all pages came to. */
export type AllKeys =
  | { readonly kind: "keys"; readonly keys: readonly ListedKey[] }
  | { readonly kind: "endless" }
  | KeyFault;

/**
 * Read a list page by page, though it may change meanwhile.
 *
 * Pages overlap by one key. Where keys were taken out of the pages before, the overlap does not fit, and the reading
 * steps back until it does: no key that was there all along is lost, and none is told twice. A server that knows no
 * pages and gives the whole list each time is understood too. Ends after 1,000 pages at the latest.
 */
export async function readAll(
  page: (offset: number) => Promise<{ readonly kind: "keys"; readonly keys: readonly ListedKey[] } | KeyFault>,
): Promise<AllKeys> {
  const found = new Map<string, ListedKey>();
  let offset = 0;
  let before = "";
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const read = await page(offset);
    if (read.kind !== "keys") return read;
    const { keys } = read;
    const [first] = keys;
    const fits = offset === 0 || (first !== undefined && found.has(first.id));
    const isNew = keys.some(({ id }) => !found.has(id));
    for (const key of keys) found.set(key.id, key);

    const these = keys.map(({ id }) => id).join(" ");
    const isLast = fits && !isNew && (keys.length < PAGE_SIZE || these === before);
    if (isLast) return { kind: "keys", keys: [...found.values()] };
    offset = fits ? offset + Math.max(0, keys.length - 1) : Math.max(0, offset - PAGE_SIZE + 1);
    before = these;
  }
  return { kind: "endless" };
}
