import { printable } from "../settings/given.js";

/** What spreadsheets take for a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/**
 * Write rows as CSV (RFC 4180).
 *
 * Names come from servers and from those who made keys: a cell that a spreadsheet would calculate begins with `'`, and
 * what a terminal could act on is written as escapes.
 */
export function csvOf(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(cellOf).join(",")}\r\n`).join("");
}

function cellOf(text: string): string {
  const safe = printable(FORMULA.test(text) ? `'${text}` : text);
  return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
