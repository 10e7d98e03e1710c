import { randomBytes } from "node:crypto";
import { ID, ID_RULE } from "../domain/names.js";
import { hashApiKey, makeApiKey, parseApiKey } from "../identity/api-key.js";
import type { SettingFault } from "../settings/given.js";
import { othersFlags } from "../settings/keys-given.js";
import { type Context, EXIT, failUsage, isGiven, textOf } from "./context.js";

/** Make an API key for a caller, or, with `--upstream`, one of Mistral's. */
export async function issueKey(context: Context): Promise<number> {
  const isUpstream = isGiven(context.flags, "upstream") && !isGiven(context.flags, "callers");
  // What it needs, callers' keys do not wait for.
  return isUpstream ? (await import("./keys-issue-upstream.js")).issueUpstreamKey(context) : issueCallersKey(context);
}

/**
 * Make an API key for a caller.
 *
 * The key goes to stdout alone, so that it can be sent to a file or a secret store unseen; nothing keeps it. What is to
 * be written into the policy goes to stderr.
 */
async function issueCallersKey({ io, flags }: Context): Promise<number> {
  const principal = textOf(flags, "principal");
  const asked = faultsIn(isGiven(flags, "callers"), isGiven(flags, "upstream"), principal);
  const faults = [...asked, ...othersFlags(flags, "callers")];
  if (faults.length > 0) return failUsage(io, faults);

  const key = makeApiKey(randomBytes);
  const parsed = parseApiKey(key);
  const id = parsed.kind === "key" ? parsed.id : "";
  const hash = hashApiKey(key);
  if (isGiven(flags, "json")) {
    const named = principal === "" ? {} : { principal };
    io.stdout.write(`${JSON.stringify({ api_key: key, key_id: id, api_key_sha256: hash, ...named }, undefined, 2)}\n`);
    return EXIT.done;
  }
  io.stdout.write(`${key}\n`);
  io.stderr.write(`${forPolicy(hash, id, principal)}\n`);
  return EXIT.done;
}

function faultsIn(isCallers: boolean, isUpstream: boolean, principal: string): readonly SettingFault[] {
  const faults: SettingFault[] = [];
  if (isUpstream || !isCallers) {
    faults.push({
      where: "--callers or --upstream",
      what: isCallers ? "both given" : "missing",
      remedy: "give --callers for a key that proves a caller, or --upstream for one of Mistral's",
    });
  }
  if (principal !== "" && !ID.test(principal)) {
    faults.push({ where: `--principal ${principal}`, what: "is no id", remedy: `write ${ID_RULE}` });
  }
  return faults;
}

/** Quoted, because a hash of digits alone would be a number. */
function forPolicy(hash: string, id: string, principal: string): string {
  const line = `- api_key_sha256: "${hash}"   # key ${id}`;
  if (principal === "") return line;
  return [`principals:`, `  ${JSON.stringify(principal)}:`, `    credentials:`, `      ${line}`].join("\n");
}
