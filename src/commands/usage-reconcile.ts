import type { KeyFault } from "../app/key-ports.js";
import { type Billed, type Counted, reconcile } from "../app/reconcile.js";
import type { KeysFile } from "../domain/keys-file.js";
import type { AdminBills, Month } from "../mistral/admin/admin-bills.js";
import type { SettingFault } from "../settings/given.js";
import { type AdminAskSettings, readReconcileSettings } from "../settings.js";
import { askAdmin, misfit, refusal } from "./ask-admin.js";
import { type Context, EXIT, type Failure, fail, failUsage, failure, isGiven } from "./context.js";
import { openUpstream } from "./open-upstream.js";
import { reconciledJson, reconciledText } from "./reconcile-text.js";
import { type Totals, totalsSchema } from "./usage-top.js";

const OK = 200;
/** More workspaces no policy has that a person reads about. */
const MOST_WORKSPACES = 1_000;
const ELSEWHERE = ["top", "by", "day", "principal", "role", "workspace", "model"] as const;

/** Hold what Mistral bills for a month against what a running server counted. @returns 1 where they drift apart. */
export async function usageReconcile(context: Context): Promise<number> {
  const { io, flags } = context;
  const read = readReconcileSettings(context);
  const faults = ELSEWHERE.filter((name) => flags[name] !== undefined).map(notTogether);
  if (read.kind === "faulty") return failUsage(io, [...read.faults, ...faults]);
  if (faults.length > 0) return failUsage(io, faults);

  const { settings } = read;
  const { keysFile, tolerance, month = new Date(io.now()).toISOString().slice(0, 7) } = settings;
  const given = { side: "upstream", keysFile, policyFile: undefined, unusedMs: undefined } as const;
  const upstream = await openUpstream(context, given);
  if (upstream.kind === "told") return upstream.exitCode;
  const totals = await askTotals(settings, month);
  if ("kind" in totals) return fail(io, totals);
  const billed = await askBills(upstream.bills, upstream.keys, monthOf(month));
  if ("kind" in billed) return fail(io, failure(EXIT.unreachable, billed.why));
  const limit = await upstream.bills.spendLimit();

  const spendLimit = limit.kind === "limit" ? limit.limit : undefined;
  const reconciled = reconcile(billed, countedIn(totals), tolerance);
  const told = { month, tolerance, totals, reconciled, spendLimit };
  io.stdout.write(isGiven(flags, "json") ? reconciledJson(told) : reconciledText(told));
  return reconciled.drifts.some(({ isOver }) => isOver) ? EXIT.no : EXIT.done;
}

function notTogether(name: string): SettingFault {
  return { where: `--${name}`, what: "says nothing to --reconcile", remedy: "leave it out, or give --month" };
}

async function askTotals(settings: AdminAskSettings, month: string): Promise<Totals | Failure> {
  const query = new URLSearchParams({ by: "workspace", month, top: String(MOST_WORKSPACES) });
  const answer = await askAdmin(settings, `/v1/usage?${query}`);
  if (answer.kind === "failure") return answer;
  if (answer.status !== OK) return refusal(settings, answer);
  const read = totalsSchema.safeParse(answer.body);
  return read.success ? read.data : misfit(settings);
}

/** One after another: there are few, and the API counts requests. */
async function askBills(
  bills: AdminBills,
  { upstream }: KeysFile,
  month: Month,
): Promise<readonly Billed[] | KeyFault> {
  const byMistral = new Map<string, string[]>();
  for (const [name, { workspace }] of upstream) {
    byMistral.set(workspace, [...(byMistral.get(workspace) ?? []), name]);
  }
  const billed: Billed[] = [];
  for (const [mistralWorkspace, workspaces] of byMistral) {
    const asked = await bills.usage(month, mistralWorkspace);
    if (asked.kind !== "bill") return asked;
    billed.push({ workspaces, mistralWorkspace, bill: asked.bill });
  }
  return billed;
}

function countedIn({ usage }: Totals): ReadonlyMap<string, Counted> {
  return new Map(
    usage.map(({ workspace = "", cost_nano_usd: cost, input_tokens, output_tokens }) => {
      return [workspace, { cost, tokens: input_tokens + output_tokens }];
    }),
  );
}

/** @param month as 2026-03, which was checked. */
function monthOf(month: string): Month {
  const [year, nth] = month.split("-").map(Number);
  return { year: year ?? 0, month: nth ?? 0 };
}
