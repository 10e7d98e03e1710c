import { printable } from "../domain/printable.js";
import { decimalText } from "./number-text.js";

const LONGEST = 60;

/**
 * Quote a text for a person, on one line, cut where it is long.
 *
 * Whatever a terminal could act on is written as an escape: the text comes from a file that may be hostile.
 */
export function show(text: string): string {
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return printable(JSON.stringify(cut));
}

/** Say what a value of a policy file is, for a sentence that ends in "found …". Numbers are bigints in 1e-9. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  if (typeof value === "string") return `the text ${show(value)}`;
  if (typeof value === "bigint") return `the number ${decimalText(value)}`;
  if (typeof value === "number") return Number.isNaN(value) ? "a number that is none" : `the number ${value}`;
  return String(value);
}
