import { MAX_AMOUNT } from "../../domain/units.js";
import type { Slab } from "./slab.js";

/** How many bytes of a record a sum takes: a double below 2^53, and in four bytes how often 2^53 has been passed. */
export const SUM_BYTES = 12;

const HIGH = 8;
const WRAP = MAX_AMOUNT + 1;

/** Read a sum. One that has passed 2^53-1 reads as that: it is above any ceiling. */
export function readSum(slab: Slab, slot: number, field: number): number {
  return slab.u32(slot, field + HIGH) === 0 ? slab.f64(slot, field) : MAX_AMOUNT;
}

/**
 * Change a sum, by a negative amount too; it never goes below 0.
 *
 * Exact beyond 2^53-1: what was added can be taken away again, and the sum is then what it was.
 */
export function addToSum(slab: Slab, slot: number, field: number, amount: number): void {
  if (amount < 0) takeFromSum(slab, slot, field, -amount);
  else giveToSum(slab, slot, field, amount);
}

function giveToSum(slab: Slab, slot: number, field: number, amount: number): void {
  const low = slab.f64(slot, field);
  const room = WRAP - amount;
  if (low < room) {
    slab.setF64(slot, field, low + amount);
  } else {
    slab.setF64(slot, field, low - room);
    slab.setU32(slot, field + HIGH, slab.u32(slot, field + HIGH) + 1);
  }
}

function takeFromSum(slab: Slab, slot: number, field: number, amount: number): void {
  const low = slab.f64(slot, field);
  const high = slab.u32(slot, field + HIGH);
  if (low >= amount || high === 0) {
    slab.setF64(slot, field, Math.max(0, low - amount));
  } else {
    slab.setF64(slot, field, WRAP - amount + low);
    slab.setU32(slot, field + HIGH, high - 1);
  }
}

/** A sum as it stands: what is below 2^53, and how often 2^53 has been passed. */
export interface Sum {
  readonly low: number;
  readonly high: number;
}

/** Copy a sum. */
export function copySum(slab: Slab, slot: number, field: number): Sum {
  return { low: slab.f64(slot, field), high: slab.u32(slot, field + HIGH) };
}

/** Set a sum to one that was copied. */
export function writeSum(slab: Slab, slot: number, field: number, { low, high }: Sum): void {
  slab.setF64(slot, field, low);
  slab.setU32(slot, field + HIGH, high);
}

/** Where a sum stands. */
export interface SumPlace {
  readonly slab: Slab;
  readonly slot: number;
  readonly field: number;
}

/** Add one sum to another, each exact. */
export function addSum(to: SumPlace, from: SumPlace): void {
  addToSum(to.slab, to.slot, to.field, from.slab.f64(from.slot, from.field));
  const high = to.slab.u32(to.slot, to.field + HIGH) + from.slab.u32(from.slot, from.field + HIGH);
  to.slab.setU32(to.slot, to.field + HIGH, high);
}

/** Make a sum 0. */
export function clearSum(slab: Slab, slot: number, field: number): void {
  slab.setF64(slot, field, 0);
  slab.setU32(slot, field + HIGH, 0);
}
