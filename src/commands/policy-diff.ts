import { comparePolicies } from "../domain/diff/policy-diff.js";
import type { Policy } from "../domain/policy.js";
import { MOST_BYTES } from "../policy/decode.js";
import { type LoadedPolicy, loadPolicy } from "../policy/load-policy.js";
import { type Context, EXIT, type Failure, fail, failure, type Io, isGiven } from "./context.js";
import { diffText, diffValue } from "./diff-text.js";
import { loadPolicyFile, tellFaults } from "./policy-file.js";

/**
 * Say who gains and who loses between two policies, and which ceilings move. `-` reads one of them from standard input.
 *
 * @returns with `--exit-code` 1 where they differ; 2 where one of them is at fault.
 */
export async function diffPolicies({ io, flags, args }: Context): Promise<number> {
  const [oldFile = "", newFile = ""] = args;
  if (oldFile === "-" && newFile === "-") {
    return fail(io, failure(EXIT.usage, "-: standard input holds one policy; name a file for the other"));
  }
  const [old, now] = [await load(io, oldFile), await load(io, newFile)];
  const [before, after] = [soundOf(io, old), soundOf(io, now)];
  if (!before || !after) return EXIT.usage;

  const changes = comparePolicies(before, after);
  const diff = { old: { file: oldFile, policy: before }, now: { file: newFile, policy: after }, changes };
  if (isGiven(flags, "json")) io.stdout.write(`${JSON.stringify(diffValue(diff), undefined, 2)}\n`);
  else io.stdout.write(diffText(diff));
  return isGiven(flags, "exit-code") && changes.length > 0 ? EXIT.no : EXIT.done;
}

async function load(io: Io, file: string): Promise<LoadedPolicy | Failure> {
  if (file !== "-") return loadPolicyFile(file);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of io.stdin?.() ?? []) {
    chunks.push(chunk);
    size += chunk.length;
    // The reader tells that it is too large; the rest need not be taken in.
    if (size > MOST_BYTES) break;
  }
  return loadPolicy(Buffer.concat(chunks), file);
}

/** @returns undefined where what is wrong has been told. */
function soundOf(io: Io, loaded: LoadedPolicy | Failure): Policy | undefined {
  if (loaded.kind === "ok") return loaded.policy;
  if (loaded.kind === "failure") fail(io, loaded);
  else tellFaults(io, loaded.faults);
  return undefined;
}
