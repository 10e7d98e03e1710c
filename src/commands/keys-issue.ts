import { randomBytes } from "node:crypto";
import { ID, ID_RULE } from "../domain/names.js";
import { hashApiKey, makeApiKey, parseApiKey } from "../identity/api-key.js";
import type { SettingFault } from "../settings/given.js";
import { type Context, EXIT, failUsage, isGiven, textOf } from "./context.js";

/**
 * Make an API key for a caller.
 *
 * The key goes to stdout alone, so that it can be sent to a file or a secret store unseen; nothing keeps it. What is to
 * be written into the policy goes to stderr.
 */
export async function issueKey({ io, flags }: Context): Promise<number> {
  const principal = textOf(flags, "principal");
  const faults = faultsIn(isGiven(flags, "callers"), isGiven(flags, "upstream"), principal);
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
  if (isUpstream) {
    const remedy = "issue keys of Mistral's in its console, and name them by upstream_key in the policy";
    faults.push({ where: "--upstream", what: "is not in this version", remedy });
  } else if (!isCallers) {
    faults.push({ where: "--callers", what: "missing", remedy: "give it: keys are issued for callers" });
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
