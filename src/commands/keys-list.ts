import { readKeysSettings } from "../settings.js";
import { type Context, EXIT, failUsage, isGiven } from "./context.js";
import { foundKeys } from "./found-keys.js";
import { type KeysShown, keysCsv, keysJson, keyTable } from "./key-table.js";
import { plural } from "./table.js";

/** List Mistral's keys, or those of Windbreak's callers. */
export async function listKeys(context: Context): Promise<number> {
  return showKeys(context, false);
}

/** Find keys that nobody uses, that are too old, that end soon, or that nobody can place. @returns 1 where there are any. */
export async function auditKeys(context: Context): Promise<number> {
  return showKeys(context, true);
}

async function showKeys(context: Context, isAudit: boolean): Promise<number> {
  const { io, flags } = context;
  const read = readKeysSettings(context);
  const isJson = isGiven(flags, "json");
  const isCsv = isGiven(flags, "csv");
  const both = isJson && isCsv ? [{ where: "--csv", what: "beside --json", remedy: "choose one of the two" }] : [];
  if (read.kind === "faulty") return failUsage(io, [...read.faults, ...both]);
  if (both.length > 0) return failUsage(io, both);

  const keys = await foundKeys(context, read.settings);
  if ("kind" in keys) return keys.exitCode;
  const shown: KeysShown = { keys, isUpstream: read.settings.side === "upstream", isAudit };
  const found = keys.filter(({ findings }) => findings.length > 0).length;
  io.stdout.write(isJson ? keysJson(shown) : isCsv ? keysCsv(shown) : tableOf(shown, found));
  return isAudit && found > 0 ? EXIT.no : EXIT.done;
}

function tableOf(shown: KeysShown, found: number): string {
  const { keys, isAudit } = shown;
  if (keys.length === 0) return "there is no key\n";
  const of = plural(keys.length, "key");
  const summary = found === 0 ? `nothing found in ${of}` : `${found} of ${of} to look at`;
  return `${keyTable(shown)}${isAudit ? `\n${summary}\n` : ""}`;
}
