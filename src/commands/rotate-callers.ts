import { randomBytes } from "node:crypto";
import { shownHash } from "../app/callers-keys.js";
import type { Policy } from "../domain/policy.js";
import { printable } from "../domain/printable.js";
import { hashApiKey, makeApiKey, parseApiKey } from "../identity/api-key.js";
import { didYouMean, suggester } from "../policy/nearest.js";
import type { RotateSettings } from "../settings.js";
import { type Context, EXIT, type Failure, fail, failure, isGiven, textOf } from "./context.js";
import { policyForKeys } from "./open-upstream.js";

/**
 * Issue a principal's next key, and say the steps by which it takes the place of those before.
 *
 * The key goes to stdout alone, once. The policy is the operator's file and is not edited here: both keys stand in it
 * until the old one is not used any more. What the principal has used is counted by its id and stays.
 */
export async function rotateCallersKey(context: Context, settings: RotateSettings): Promise<number> {
  const { io, flags } = context;
  const { policyFile = "" } = settings;
  const policy = await policyForKeys(io, policyFile);
  if ("kind" in policy) return policy.exitCode;
  const principal = textOf(flags, "principal");
  const fault = faultIn(policy, principal);
  if (fault) return fail(io, fault);

  const key = makeApiKey(randomBytes);
  const parsed = parseApiKey(key);
  const id = parsed.kind === "key" ? parsed.id : "";
  const sha256 = hashApiKey(key);
  const before = [...policy.credentials.byApiKeyHash].flatMap(([hash, holder]) => (holder === principal ? [hash] : []));
  const isDry = isGiven(flags, "dry-run");
  if (isGiven(flags, "json")) {
    const made = isDry ? {} : { api_key: key, key_id: id, api_key_sha256: sha256 };
    io.stdout.write(`${JSON.stringify({ principal, ...made, replaces: before }, undefined, 2)}\n`);
    return EXIT.done;
  }
  if (!isDry) io.stdout.write(`${key}\n`);
  const line = isDry ? '- api_key_sha256: "…"' : `- api_key_sha256: "${sha256}"   # key ${id}`;
  for (const step of stepsOf({ line, principal, policyFile, before })) io.stderr.write(`${printable(step)}\n`);
  return EXIT.done;
}

function faultIn({ principals }: Policy, principal: string): Failure | undefined {
  const names = [...principals.keys()];
  if (principal === "") return failure(EXIT.usage, "--principal: missing; name the principal whose key is rotated");
  if (principals.has(principal)) return undefined;
  const remedy = didYouMean(suggester()(principal, names), "keys are those of principals that the policy lists");
  return failure(EXIT.usage, `--principal ${principal}: the policy lists no such principal; ${remedy}`);
}

interface StepsOptions {
  readonly line: string;
  readonly principal: string;
  readonly policyFile: string;
  readonly before: readonly string[];
}

function stepsOf({ line, principal, policyFile, before }: StepsOptions): readonly string[] {
  const keys = before.map(shownHash).join(", ");
  const beside = before.length === 0 ? "" : `, beside ${keys}`;
  return [
    `1. add to principals.${principal}.credentials in ${policyFile}${beside}:`,
    `     ${line}`,
    "2. save the file: from then on both keys prove the principal, and its limits go on counting",
    "3. give the new key to all who call as this principal",
    ...(before.length === 0
      ? []
      : [
          `4. once windbreak keys list --callers --policy ${policyFile} shows no new use of ${keys}, take it out:`,
          ...before.map((hash) => `     windbreak keys revoke --callers --policy ${policyFile} ${shownHash(hash)}`),
        ]),
  ];
}
