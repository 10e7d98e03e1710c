import type { PrincipalName } from "../app/forms.js";
import { formatUsd } from "../domain/explain.js";
import type { CheckBudgetResponse, ModelStatus } from "../gen/windbreak/v1/policy_decision.js";
import type { SettingFault } from "../settings/given.js";
import { type AskSettings, readAskSettings } from "../settings.js";
import { askPages } from "./ask-admin.js";
import { type Context, EXIT, fail, failUsage, isGiven, textOf } from "./context.js";
import { reasonName } from "./decision-text.js";
import { readLimitsPage, rowsOf } from "./limit-rows.js";
import { limitTable } from "./limit-table.js";
import { askBudget } from "./service-calls.js";
import { formatPairs, plural } from "./table.js";
import { isTopAsked, usageTop } from "./usage-top.js";

/** Show how one principal's limits stand; where none is named, every limit that something is counted on, who used most, or what Mistral bills. */
export async function usage(context: Context): Promise<number> {
  const { io, flags } = context;
  if (isGiven(flags, "reconcile")) return (await import("./usage-reconcile.js")).usageReconcile(context);
  const idle = RECONCILED.filter((name) => flags[name] !== undefined).map(notAlone);
  if (idle.length > 0) return failUsage(io, idle);
  const read = readAskSettings(context);
  if (read.kind === "faulty") return failUsage(io, read.faults);

  if (isTopAsked(context)) return usageTop(context, read.settings);
  const principal = {
    id: textOf(flags, "principal"),
    role: textOf(flags, "role"),
    workspace: textOf(flags, "workspace"),
  };
  const model = textOf(flags, "model");
  const isOne = [principal.id, principal.role, principal.workspace, model].some((given) => given !== "");
  return isOne ? usageOfOne(context, read.settings, { principal, model }) : usageOfAll(context, read.settings);
}

const RECONCILED = ["keys", "tolerance"] as const;

function notAlone(name: string): SettingFault {
  return { where: `--${name}`, what: "is for --reconcile", remedy: "leave it out, or give --reconcile" };
}

async function usageOfOne(
  { io, flags }: Context,
  settings: AskSettings,
  asked: { readonly principal: PrincipalName; readonly model: string },
): Promise<number> {
  const answer = await askBudget(settings, asked);
  if (answer.kind === "failure") return fail(io, answer);
  if (isGiven(flags, "json")) {
    const { protoJson } = await import("./proto-json.js");
    io.stdout.write(protoJson("windbreak.v1.CheckBudgetResponse", answer.bytes));
  } else {
    const { limits } = answer.message;
    io.stdout.write(`${budgetText(answer.message)}\n`);
    io.stdout.write(limits.length > 0 ? limitTable(rowsOf(limits), io.now()) : "no limit governs it\n");
  }
  return EXIT.done;
}

/** More than these are counted rather than named; `--json` names them all. */
const MOST_NAMED = 8;

function budgetText({ principal, allowedModels, modelStatus, degraded, policyRevision }: CheckBudgetResponse): string {
  const models = allowedModels.length > MOST_NAMED ? plural(allowedModels.length, "model") : allowedModels.join(", ");
  return formatPairs([
    ["principal", principal && `${principal.id}, ${principal.role} in ${principal.workspace}`],
    ["may use", models === "" ? "no model" : models],
    ["model", modelStatus && modelText(modelStatus)],
    ["degraded", degraded ? "read without the counter store" : ""],
    ["policy", policyRevision],
  ]);
}

const PER_MILLION = 1_000_000;

function modelText(status: ModelStatus): string {
  const priced = (nanoUsd: number | undefined, units: number, unit: string) =>
    nanoUsd === undefined ? [] : [`${formatUsd(nanoUsd * units)} ${unit}`];
  const prices = [
    ...priced(status.inputTokenNanoUsd, PER_MILLION, "a million input tokens"),
    ...priced(status.outputTokenNanoUsd, PER_MILLION, "a million output tokens"),
    ...priced(status.pageNanoUsd, 1, "a page"),
    ...priced(status.annotatedPageNanoUsd, 1, "an annotated page"),
    ...priced(status.audioSecondNanoUsd, 1, "a second of audio"),
  ];
  const verdict = status.allowed ? "allowed" : reasonName(status.reason);
  return [status.model, verdict, ...prices].filter((part) => part !== "").join(", ");
}

async function usageOfAll({ io, flags }: Context, settings: AskSettings): Promise<number> {
  const pages = await askPages(settings, "/v1/limits", readLimitsPage);
  if ("kind" in pages) return fail(io, pages);
  const policyRevision = pages.at(-1)?.policyRevision ?? "";
  if (isGiven(flags, "json")) {
    const limits = pages.flatMap((page) => page.limits);
    io.stdout.write(`${JSON.stringify({ policy_revision: policyRevision, limits }, undefined, 2)}\n`);
    return EXIT.done;
  }
  const rows = pages.flatMap((page) => page.rows);
  io.stdout.write(formatPairs([["policy", policyRevision]]));
  io.stdout.write(rows.length > 0 ? `\n${limitTable(rows, io.now())}` : "it has no limit with a counter\n");
  return EXIT.done;
}
