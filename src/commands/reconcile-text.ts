import type { Drift, Reconciled, Unit } from "../app/reconcile.js";
import type { SpendLimit } from "../domain/bill.js";
import { formatUsd } from "../domain/explain.js";
import { type Column, formatCount, formatPairs, formatTable, plural } from "./table.js";
import type { Totals } from "./usage-top.js";

/** What is told of a reconciliation. */
export interface Told {
  /** As 2026-03. */
  readonly month: string;
  readonly tolerance: number;
  readonly totals: Totals;
  readonly reconciled: Reconciled;
  /** undefined: Mistral does not say. */
  readonly spendLimit: SpendLimit | undefined;
}

/** Write it as a table under what must be known to read it. */
export function reconciledText({ month, tolerance, totals, reconciled, spendLimit }: Told): string {
  const { unit, drifts, unasked } = reconciled;
  const over = drifts.filter(({ isOver }) => isOver).length;
  const bound = percent(tolerance);
  const head = formatPairs([
    ["month", month],
    ["time zone", totals.timezone === "UTC" ? "" : `Mistral's days are of UTC, Windbreak's of ${totals.timezone}`],
    ["kept", totals.from < totals.kept_since ? `since ${totals.kept_since}; earlier days are not counted` : ""],
    ["compared", unit === "usd" ? "" : "tokens, because Mistral's bill is not in dollars or has no prices"],
    ["elsewhere", elsewhereText(reconciled)],
    ["no price", [...new Set(drifts.flatMap(({ bill }) => bill.unpriced))].join(", ")],
    ["not asked", unasked.length > 0 ? `${unasked.join(", ")}: not in the keys file` : ""],
    ["spend limit", spendLimit && limitText(spendLimit)],
  ]);
  if (drifts.length === 0) return `${head}the keys file names no workspace\n`;
  const verdict =
    over === 0
      ? `none is more than ${bound} apart`
      : `${over} of ${plural(drifts.length, "workspace")} more than ${bound} apart`;
  return `${head}\n${formatTable(
    COLUMNS,
    drifts.map((drift) => rowOf(drift, unit)),
  )}\n${verdict}\n`;
}

const COLUMNS: readonly Column[] = [
  { title: "WORKSPACE", align: "left" },
  ...["MISTRAL", "WINDBREAK", "DRIFT"].map((title) => ({ title, align: "right" }) as const),
  { title: "", align: "left" },
];

function rowOf({ workspaces, bill, counted, drift, isOver }: Drift, unit: Unit): readonly string[] {
  const [billed, count] =
    unit === "usd"
      ? [formatUsd(bill.cost), formatUsd(counted.cost)]
      : [formatCount(bill.tokens), formatCount(counted.tokens)];
  return [workspaces.join(", "), billed, count, signed(drift), isOver ? "apart" : ""];
}

/** Infinity: nothing was billed. */
function signed(drift: number): string {
  if (!Number.isFinite(drift)) return "not billed";
  return `${drift > 0 ? "+" : ""}${percent(drift)}`;
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}

function elsewhereText({ unit, drifts }: Reconciled): string {
  const cost = drifts.reduce((sum, { bill }) => sum + bill.costElsewhere, 0);
  if (cost === 0 || unit !== "usd") return "";
  return `${formatUsd(cost)} at Mistral for what Windbreak does not decide, such as connectors and fine-tuning`;
}

function limitText({ currency = "", used, limit, isReached }: SpendLimit): string {
  const amount = (value: number) => `${value.toFixed(2)} ${currency}`.trim();
  const of = limit === undefined ? "none at Mistral" : `${amount(limit)} at Mistral`;
  return `${of}${used === undefined ? "" : `, ${amount(used)} used`}${isReached ? ", reached" : ""}, this month, organization`;
}

/** Write it as JSON. Amounts are texts, as in protobuf's JSON; a drift of null: nothing was billed. */
export function reconciledJson({ month, tolerance, totals, reconciled, spendLimit }: Told): string {
  const { unit, drifts, unasked } = reconciled;
  const told = {
    month,
    timezone: totals.timezone,
    kept_since: totals.kept_since,
    compared: unit,
    tolerance,
    workspaces: drifts.map(({ workspaces, mistralWorkspace, bill, counted, drift, isOver }) => ({
      workspaces,
      mistral_workspace: mistralWorkspace,
      currency: bill.currency ?? null,
      billed_nano: String(bill.cost),
      billed_elsewhere_nano: String(bill.costElsewhere),
      billed_tokens: String(bill.tokens),
      unpriced: bill.unpriced,
      counted_nano_usd: String(counted.cost),
      counted_tokens: String(counted.tokens),
      drift: Number.isFinite(drift) ? drift : null,
      over: isOver,
    })),
    not_asked: unasked,
    spend_limit: spendLimit
      ? {
          currency: spendLimit.currency ?? null,
          used: spendLimit.used ?? null,
          limit: spendLimit.limit ?? null,
          reached: spendLimit.isReached,
        }
      : null,
  };
  return `${JSON.stringify(told, undefined, 2)}\n`;
}
