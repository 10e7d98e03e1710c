const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const SPAN = 2 ** 32;

/**
 * Say which ids are in a sample.
 *
 * By the id alone, so that every replica, and every line about one id, says the same.
 *
 * @param share of all ids, 0 to 1.
 */
export function sampler(share: number): (id: string) => boolean {
  if (share >= 1) return () => true;
  const bound = share * SPAN;
  return (id) => spread(id) < bound;
}

/** FNV-1a, and the end of MurmurHash3 after it: ids differ in few characters, which FNV alone leaves in the low bits. */
function spread(id: string): number {
  let hash = FNV_OFFSET;
  for (let index = 0; index < id.length; index++) hash = Math.imul(hash ^ id.charCodeAt(index), FNV_PRIME);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
