import type { Policy } from "../domain/policy.js";
import { printable } from "../domain/printable.js";
import { type Context, EXIT, type Failure, fail, failUsage, failure, type Io, isGiven, textOf } from "./context.js";
import { loadPolicyFile, tellFaults } from "./policy-file.js";
import { findLog, type LogFile } from "./replay/log-file.js";
import { hasTurned } from "./replay/outcome.js";
import { outcomeText } from "./replay/outcome-text.js";
import { outcomeValue } from "./replay/outcome-value.js";
import { ProgressBar } from "./replay/progress-bar.js";
import { type ReadFacts, readLogs } from "./replay/read-logs.js";
import { Replay } from "./replay/replay.js";

const DEFAULT_SHOWN = "10";
const MOST_SHOWN = 1_000_000;

/**
 * Decide the decisions of a log again by another policy, and say which turn, for whom, by what, and what that would have
 * saved or cost.
 *
 * @returns with `--exit-code` 1 where one turns; 2 where the policy is at fault, or a log cannot be replayed.
 */
export async function replayPolicy({ io, flags, args }: Context): Promise<number> {
  const [file = ""] = args;
  const [top, show] = ["top", "show"].map((name) => ({ name, text: textOf(flags, name) || DEFAULT_SHOWN }));
  const wrong = [top, show].flatMap((one) => (one && countOf(one.text) === undefined ? [one] : []));
  if (wrong.length > 0) return failUsage(io, wrong.map(notACount));

  const policy = await soundPolicy(io, file);
  if (!policy) return EXIT.usage;
  const logs = await findLogs(io, namesOf(flags["log"]));
  if ("kind" in logs) return fail(io, logs);

  const replay = new Replay(policy, countOf(show?.text ?? "") ?? 0);
  const read: ReadFacts = { skipped: 0, firstSkipped: [], late: 0 };
  const failed = await replayAll(io, logs, read, replay);
  tellSkipped(io, read);
  if (failed) return fail(io, failed);
  const { facts, tally } = replay;
  const names = logs.map(({ name }) => name);
  if (facts.decisions === 0) {
    return fail(
      io,
      failure(EXIT.usage, `--log ${names.join(", ")}: holds no decision; give what serve --decision-log wrote`),
    );
  }
  const outcome = { policy: { file, revision: policy.revision }, logs: names, read, facts, tally };
  if (isGiven(flags, "json")) io.stdout.write(`${JSON.stringify(outcomeValue(outcome), undefined, 2)}\n`);
  else io.stdout.write(outcomeText(outcome, countOf(top?.text ?? "") ?? 0));
  return isGiven(flags, "exit-code") && hasTurned(outcome) ? EXIT.no : EXIT.done;
}

async function replayAll(
  io: Io,
  logs: readonly LogFile[],
  read: ReadFacts,
  replay: Replay,
): Promise<Failure | undefined> {
  const sizes = logs.map(({ size }) => size);
  const total = sizes.reduce((sum, size) => (sum === undefined || size === undefined ? undefined : sum + size), 0);
  const bar = io.isTerminal ? new ProgressBar({ out: io.stderr, total, now: io.now }) : undefined;
  const watched = bar ? logs.map((log) => ({ ...log, bytes: bar.watch(log.bytes) })) : logs;
  try {
    for await (const batch of readLogs(watched, read)) {
      if ("kind" in batch) return batch;
      for (const line of batch) await replay.take(line);
    }
  } finally {
    bar?.clear();
  }
  replay.end();
  return undefined;
}

async function findLogs(io: Io, names: readonly string[]): Promise<readonly LogFile[] | Failure> {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return failure(EXIT.usage, `--log ${twice}: given twice; give it once`);
  const logs: LogFile[] = [];
  for (const name of names) {
    const found = await findLog(io, name);
    if (found.kind === "failure") return found;
    logs.push(found);
  }
  return logs;
}

async function soundPolicy(io: Io, file: string): Promise<Policy | undefined> {
  const loaded = await loadPolicyFile(file);
  if (loaded.kind === "ok") return loaded.policy;
  if (loaded.kind === "failure") fail(io, loaded);
  else tellFaults(io, loaded.faults);
  return undefined;
}

function tellSkipped({ stderr }: Io, { skipped, firstSkipped }: ReadFacts): void {
  for (const { file, line, why } of firstSkipped) {
    stderr.write(`${printable(`${file}:${line}: warning: skipped, because ${why}`)}\n`);
  }
  const more = skipped - firstSkipped.length;
  if (more > 0) stderr.write(`warning: ${more} more skipped\n`);
}

function namesOf(flag: Context["flags"][string]): readonly string[] {
  return typeof flag === "object" ? flag : [];
}

function countOf(text: string): number | undefined {
  const count = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN;
  return count <= MOST_SHOWN ? count : undefined;
}

function notACount({ name, text }: { readonly name: string; readonly text: string }) {
  return { where: `--${name} ${text}`, what: "no count", remedy: `give a number from 0 to ${MOST_SHOWN}` };
}
