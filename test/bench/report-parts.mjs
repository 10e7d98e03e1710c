/** How the tables name the server that everything is held against. */
const EMPTY = "empty handler";

/** @param {string} contestant */
export function isEmptyHandler(contestant) {
  return contestant === EMPTY;
}

/**
 * Write a table in Markdown, its columns aligned.
 *
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
export function table(head, rows) {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (/** @type {readonly string[]} */ cells) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

/** @param {number} value */
export function whole(value) {
  return Math.round(value).toLocaleString("en-US");
}
