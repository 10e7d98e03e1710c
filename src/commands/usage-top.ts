import { z } from "zod";
import { GROUPINGS } from "../app/read-totals.js";
import { formatUsd } from "../domain/explain.js";
import type { SettingFault } from "../settings/given.js";
import type { AskSettings } from "../settings.js";
import { askAdmin, misfit, refusal } from "./ask-admin.js";
import { type Context, EXIT, fail, failUsage, isGiven, textOf } from "./context.js";
import { type Column, formatCount, formatPairs, formatTable, plural } from "./table.js";

const OK = 200;
const OF_TOTALS = ["top", "by", "day", "month"] as const;
const OF_LIMITS = ["principal", "role", "workspace", "model"] as const;

/** Whether it is asked who used most, rather than how limits stand. */
export function isTopAsked({ flags }: Context): boolean {
  return OF_TOTALS.some((name) => flags[name] !== undefined);
}

/** Show who used most on a day or in a month, from the admin port. */
export async function usageTop(context: Context, settings: AskSettings): Promise<number> {
  const { io, flags } = context;
  const faults = OF_LIMITS.filter((name) => flags[name] !== undefined).map(notTogether);
  if (faults.length > 0) return failUsage(io, faults);

  const query = new URLSearchParams();
  for (const name of OF_TOTALS) if (textOf(flags, name) !== "") query.set(name, textOf(flags, name));
  const answer = await askAdmin(settings, `/v1/usage?${query}`);
  if (answer.kind === "failure") return fail(io, answer);
  if (answer.status !== OK) return fail(io, refusal(settings, answer));
  const read = totalsSchema.safeParse(answer.body);
  if (!read.success) return fail(io, misfit(settings));
  io.stdout.write(isGiven(flags, "json") ? `${JSON.stringify(answer.body, undefined, 2)}\n` : totalsText(read.data));
  return EXIT.done;
}

function notTogether(name: string): SettingFault {
  return {
    where: `--${name}`,
    what: "says whose limits to show, and --top, --by, --day and --month show who used most",
    remedy: `leave it out, or give --by ${GROUPINGS.join("|")}`,
  };
}

const amount = z.string().regex(/^\d+$/).transform(Number);
const sums = { requests: amount, input_tokens: amount, output_tokens: amount, cost_nano_usd: amount };
const sumsSchema = z.object(sums);
type Sums = z.output<typeof sumsSchema>;

/** What `/v1/usage` answers. */
export const totalsSchema = z.object({
  by: z.enum(GROUPINGS),
  from: z.string(),
  to: z.string(),
  timezone: z.string(),
  kept_since: z.string(),
  usage: z.array(
    z.object({
      ...sums,
      principal: z.string().optional(),
      workspace: z.string().optional(),
      model: z.string().optional(),
    }),
  ),
  others: z.object({ ...sums, count: z.number() }),
  total: sumsSchema,
});
export type Totals = z.output<typeof totalsSchema>;

function totalsText({ by, from, to, timezone, kept_since: keptSince, usage, others, total }: Totals): string {
  const span = from === to ? from : `${from} to ${to}`;
  const head = formatPairs([
    [from === to ? "day" : "days", `${span} (${timezone})`],
    ["kept", from < keptSince ? `since ${keptSince}; of earlier days nothing is known` : ""],
  ]);
  if (total.requests === 0) return `${head}nothing was settled\n`;
  const rows = usage.map((one) => rowOf(one[by] || NO_ROW_OF_ITS_OWN, one, total));
  if (others.count > 0) rows.push(rowOf(plural(others.count, "other"), others, total));
  rows.push(rowOf("total", total, total));
  return `${head}\n${formatTable(columnsBy(by), rows)}`;
}

/** Of principals whom their day had no room for. No id has a space. */
const NO_ROW_OF_ITS_OWN = "(all further ones)";

function columnsBy(by: string): readonly Column[] {
  return [
    { title: by.toUpperCase(), align: "left" },
    ...["USD", "SHARE", "REQUESTS", "INPUT TOKENS", "OUTPUT TOKENS"].map(
      (title) => ({ title, align: "right" }) as const,
    ),
  ];
}

function rowOf(name: string, of: Sums, total: Sums): readonly string[] {
  const share = total.cost_nano_usd === 0 ? "" : `${((100 * of.cost_nano_usd) / total.cost_nano_usd).toFixed(1)} %`;
  return [
    name,
    formatUsd(of.cost_nano_usd),
    share,
    formatCount(of.requests),
    formatCount(of.input_tokens),
    formatCount(of.output_tokens),
  ];
}
