import { printable } from "../domain/printable.js";

/** A column of a table. Numbers stand to the right. */
export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
}

/** One row: a cell for each column; or a line of its own, which no column is widened for. */
export type Row = readonly string[] | string;

const GAP = "  ";

/**
 * Write rows as aligned columns under their titles, one line each.
 *
 * What a terminal could act on is written as escapes: names come from a server, and from a file.
 */
export function formatTable(columns: readonly Column[], rows: readonly Row[]): string {
  const titles = columns.map(({ title }) => title);
  const shown = rows.map((row) => (typeof row === "string" ? printable(row) : row.map(printable)));
  const lines: readonly (readonly string[])[] = [titles, ...shown.filter((row) => typeof row !== "string")];
  const widths = columns.map((_, index) => Math.max(...lines.map((cells) => cells[index]?.length ?? 0)));
  const line = (row: Row) => {
    if (typeof row === "string") return `${row}\n`;
    const cells = columns.map(({ align }, index) => {
      const cell = row[index] ?? "";
      const width = widths[index] ?? 0;
      return align === "right" ? cell.padStart(width) : cell.padEnd(width);
    });
    return `${cells.join(GAP).trimEnd()}\n`;
  };
  return [titles, ...shown].map(line).join("");
}

/** Write pairs of a name and a text, the texts below each other; a pair without a text is left out. Escapes as tables do. */
export function formatPairs(pairs: readonly (readonly [string, string | undefined])[]): string {
  const shown = pairs.filter(([, text]) => text !== undefined && text !== "");
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, text]) => `${name.padEnd(width)}${GAP}${printable(text ?? "")}\n`).join("");
}

/** Write a count for a person: 1,000,000. */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** Write a count with its unit: `1 limit`, `2 limits`. */
export function plural(count: number, unit: string): string {
  return `${formatCount(count)} ${unit}${count === 1 ? "" : "s"}`;
}
