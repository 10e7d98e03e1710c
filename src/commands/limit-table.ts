import { formatSpan, formatUsd } from "../domain/explain.js";
import type { EpochMs } from "../domain/units.js";
import { type Column, formatCount, formatTable, type Row } from "./table.js";

/** A limit and how it stands, ready for a table. */
export interface LimitRow {
  readonly name: string;
  /** Whose counter: the organization, a workspace, a principal. */
  readonly of: string;
  /** Amounts are nano-USD. */
  readonly isMoney: boolean;
  readonly counts: "each request" | "in flight" | "in a window";
  readonly ceiling: number;
  readonly used: number;
  readonly reserved: number;
  readonly remaining: number;
  readonly resetsAt: EpochMs | undefined;
  readonly shadow: boolean;
}

const COLUMNS: readonly Column[] = [
  { title: "LIMIT", align: "left" },
  { title: "USED", align: "right" },
  { title: "RESERVED", align: "right" },
  { title: "CEILING", align: "right" },
  { title: "LEFT", align: "right" },
  { title: "RESETS IN", align: "right" },
];

/**
 * Write limits as a table.
 *
 * A limit's name is split: what limits of one scope have in common is a line of its own above them, because whole names
 * leave no room for the numbers.
 */
export function limitTable(rows: readonly LimitRow[], now: EpochMs): string {
  return formatTable(
    COLUMNS,
    grouped(rows, (row) => {
      const { used, reserved, ceiling, remaining } = row;
      const amount = (value: number) => formatCell(row, value);
      if (row.counts === "each request") return ["", "", amount(ceiling), "", "each request"];
      return [amount(used), amount(reserved), amount(ceiling), amount(remaining), resetsIn(row, now)];
    }),
  );
}

/** Write an amount of a limit: money as money, the rest as a count. */
export function formatCell({ isMoney }: Pick<LimitRow, "isMoney">, value: number): string {
  return isMoney ? formatUsd(value) : formatCount(value);
}

/** Give each scope a line, with the rows of its limits below, each beginning with the limit's key. */
export function grouped<T extends Pick<LimitRow, "name" | "of" | "shadow">>(
  limits: readonly T[],
  cells: (limit: T) => readonly string[],
): readonly Row[] {
  let before = "";
  return limits.flatMap((limit): readonly Row[] => {
    const { name, of, shadow } = limit;
    const split = name.lastIndexOf(".");
    const scope = name.slice(0, split);
    const heading = scope.endsWith(`.${of}`) ? scope : `${scope} (${of})`;
    const row = [`  ${name.slice(split + 1)}${shadow ? " (shadow)" : ""}`, ...cells(limit)];
    const isNew = heading !== before;
    before = heading;
    return isNew ? [heading, row] : [row];
  });
}

function resetsIn({ counts, resetsAt }: LimitRow, now: EpochMs): string {
  if (counts === "in flight" || resetsAt === undefined) return "";
  return resetsAt <= now ? "now" : formatSpan(resetsAt - now);
}
