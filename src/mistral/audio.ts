import type { Tokens } from "../domain/units.js";

/** Mistral hears sound in pieces of 30 seconds, each of 375 tokens; the last one counts whole. */
const PIECE_SECONDS = 30;
const PIECE_TOKENS: Tokens = 375;

/** Say how many seconds of sound a context has room for, at the most. */
export function secondsInContext(contextLength: Tokens): number {
  return Math.ceil(contextLength / PIECE_TOKENS) * PIECE_SECONDS;
}
