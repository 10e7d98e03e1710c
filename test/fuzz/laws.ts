import assert from "node:assert/strict";

/** Errors that say a program is wrong, and never that bytes are. */
const BLUNDERS = [TypeError, ReferenceError];

/** What something gives; undefined where it throws an Error of its own. One that tells of a blunder is thrown on. */
export function unlessRefused<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof Error) || BLUNDERS.some((blunder) => error.constructor === blunder)) throw error;
    return undefined;
  }
}

/** What something gives; undefined where it throws one of these. */
export function unlessThrown<T>(
  kinds: readonly (abstract new (...args: never[]) => Error)[],
  make: () => T,
): T | undefined {
  try {
    return make();
  } catch (error) {
    if (!kinds.some((kind) => error instanceof kind)) throw error;
    return undefined;
  }
}

/** A whole number from 0 to 2^53-1. */
export function isAmount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0);
}

/** Text for a person: one line, and something stands there. */
export function assertLine(text: string): void {
  assert.match(text, /^[^\n\r]+$/u);
}
