import type { Slab } from "./slab.js";

/** Records linked in both directions, so that any of them leaves without a search. Slot 0 means none. */
export interface LinkedList {
  first: number;
  last: number;
  length: number;
}

/** Where in a record its two links are, as byte offsets. */
export interface Links {
  readonly before: number;
  readonly after: number;
}

export function emptyList(): LinkedList {
  return { first: 0, last: 0, length: 0 };
}

/** Put a record at the end. */
export function append(slab: Slab, { before, after }: Links, list: LinkedList, slot: number): void {
  slab.setU32(slot, before, list.last);
  slab.setU32(slot, after, 0);
  if (list.last === 0) list.first = slot;
  else slab.setU32(list.last, after, slot);
  list.last = slot;
  list.length++;
}

/** Take a record out, wherever it stands. */
export function unlink(slab: Slab, { before, after }: Links, list: LinkedList, slot: number): void {
  const left = slab.u32(slot, before);
  const right = slab.u32(slot, after);
  if (left === 0) list.first = right;
  else slab.setU32(left, after, right);
  if (right === 0) list.last = left;
  else slab.setU32(right, before, left);
  list.length--;
}

/** Put a whole list at the end of another, in one step however long it is. The tail must not be used afterwards. */
export function join(slab: Slab, { before, after }: Links, list: LinkedList, tail: LinkedList): void {
  if (tail.length === 0) return;
  if (list.last === 0) list.first = tail.first;
  else slab.setU32(list.last, after, tail.first);
  slab.setU32(tail.first, before, list.last);
  list.last = tail.last;
  list.length += tail.length;
}
