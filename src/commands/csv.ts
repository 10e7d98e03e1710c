import { printable } from "../domain/printable.js";

/** Before what spreadsheets take for a formula: at a cell's beginning, which where people write 1,5 is also behind a `;`. */
const FORMULA = /(?<=^[\s"]*|;[\s"]*)(?=[=+\-@])/g;

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
  const safe = printable(text.replace(FORMULA, "'"));
  return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
