import { setTimeout as pause } from "node:timers/promises";
import type { Ask } from "../app/begin-rotation.js";
import type { RotationResult } from "../app/rotate-key.js";
import type { Waiting } from "../app/rotation-step.js";
import { printable } from "../domain/printable.js";
import type { EpochMs, Millis } from "../domain/units.js";
import { ModelListProbe } from "../keys/model-list-probe.js";
import type { SettingFault } from "../settings/given.js";
import type { RotateSettings } from "../settings.js";
import { type Context, EXIT, fail, failUsage, isGiven, textOf } from "./context.js";
import { fileJournal, type OpenJournal, redisJournal } from "./open-journal.js";
import { openUpstream, policyForKeys, type Upstream } from "./open-upstream.js";
import { lineOfResult, type RotationShown, rotationsJson } from "./rotation-text.js";
import { type Rotating, rotatorsOf } from "./rotators.js";
import { usesSeenBy } from "./seen-uses.js";
import { showPlans } from "./show-plans.js";

/**
 * Rotate the keys of a keys file as far as can be gone now; with `--wait`, to the end.
 *
 * Nothing is lost by ending it: whoever is called next goes on.
 */
export async function rotateUpstreamKeys(context: Context, settings: RotateSettings): Promise<number> {
  const { io, flags } = context;
  const upstream = await openUpstream(context, settings);
  if (upstream.kind === "told") return upstream.exitCode;
  const chosen = chosenIn(context, upstream);
  if (chosen.length > 0) return failUsage(io, chosen);
  const opened = await openJournal(context, settings);
  if (opened.kind !== "open") return opened.exitCode;
  try {
    const isJson = isGiven(flags, "json");
    const rotating = rotatorsOf({
      keys: upstream.keys,
      provider: upstream.provider,
      probe: new ModelListProbe({ apiUrl: upstream.keys.admin.apiUrl, timeoutMs: upstream.keys.admin.timeoutMs }),
      journal: opened.journal,
      uses: usesSeenBy(settings, io),
      clock: { now: io.now },
      variable: upstream.variable,
      told: (workspace, line) => {
        if (!isJson) io.stdout.write(`${printable(`${workspace}: ${line}`)}\n`);
      },
    }).filter(({ workspace }) => isNamed(context, workspace));
    if (isGiven(flags, "dry-run"))
      return await showPlans(context, { rotating, keys: upstream.keys, ask: askOf(context) });
    return await rotateAll(context, rotating);
  } finally {
    opened.close();
  }
}

async function openJournal(
  { io }: Context,
  { redis, stateDirectory = "", policyFile = "" }: RotateSettings,
): Promise<OpenJournal | { readonly kind: "told"; readonly exitCode: number }> {
  if (!redis) return { kind: "open", journal: fileJournal(stateDirectory), close: () => {} };
  const policy = await policyForKeys(io, policyFile);
  if ("kind" in policy) return policy;
  const opened = await redisJournal(redis, policy.organization);
  return opened.kind === "open" ? opened : { kind: "told", exitCode: fail(io, opened) };
}

function namesIn({ flags }: Context): readonly string[] {
  const given = flags["workspace"];
  return typeof given === "object" ? given : [];
}

function isNamed(context: Context, workspace: string): boolean {
  const names = namesIn(context);
  return names.length === 0 || names.includes(workspace);
}

function chosenIn(context: Context, { keys }: Upstream): readonly SettingFault[] {
  const faults: SettingFault[] = [];
  const names = namesIn(context);
  const there = [...keys.upstream.keys()];
  for (const name of names) {
    if (keys.upstream.has(name)) continue;
    const remedy = there.length > 0 ? `there are ${there.join(", ")}` : "define it there";
    faults.push({ where: `--workspace ${name}`, what: "the keys file has no such workspace under upstream", remedy });
  }
  for (const flag of ["old-key", "retire-anyway", "abandon"]) {
    if (context.flags[flag] === undefined || names.length === 1) continue;
    faults.push({ where: `--${flag}`, what: "is about one key", remedy: "name its workspace by --workspace" });
  }
  return faults;
}

function askOf({ flags }: Context): Ask {
  const oldKey = textOf(flags, "old-key");
  return {
    begin: isGiven(flags, "due-only") ? "due" : "now",
    oldKey: oldKey === "" ? undefined : oldKey,
    retireAnyway: isGiven(flags, "retire-anyway"),
  };
}

/** Looks are no rarer than that: a person may have done something in the meantime. */
const MOST_PAUSE_MS: Millis = 60_000;

/** Rotate all keys, one after another and round by round. */
async function rotateAll(context: Context, all: readonly Rotating[]): Promise<number> {
  const { io, flags } = context;
  const shown = new Map<string, RotationShown>();
  let open = all.map((one) => ({ one, ask: askOf(context), until: io.now() }));
  while (open.length > 0) {
    const next = Math.min(...open.map(({ until }) => until));
    await pause(Math.min(Math.max(next - io.now(), 0), MOST_PAUSE_MS));
    const results: { one: Rotating; ask: Ask; until: EpochMs }[] = [];
    for (const { one, ask } of open) {
      const result = await (isGiven(flags, "abandon") ? one.rotator.abandon() : one.rotator.advance(ask));
      const line = lineOfResult(result);
      if (line !== undefined && shown.get(one.workspace)?.line !== line) show(context, one.workspace, result, line);
      shown.set(one.workspace, { workspace: one.workspace, result, line });
      if (result.kind !== "waiting" || !(isGiven(flags, "wait") || result.mustStay)) continue;
      results.push({ one, ask: { ...ask, begin: nextBegin(ask, result) }, until: result.until });
    }
    open = results;
  }
  if (isGiven(flags, "json")) io.stdout.write(rotationsJson([...shown.values()]));
  return exitCodeOf([...shown.values()]);
}

/** A rotation that came to its end between two looks, by another process, is not begun anew. */
function nextBegin({ begin }: Ask, { step, isTaken }: Waiting): Ask["begin"] {
  if (step !== undefined) return "never";
  return isTaken && begin === "now" ? "due" : begin;
}

function show({ io, flags }: Context, workspace: string, { kind }: RotationResult, line: string): void {
  const isBad = kind === "stuck" || kind === "undone";
  if (isBad) io.stderr.write(`${printable(`${workspace}: ${line}`)}\n`);
  else if (!isGiven(flags, "json")) io.stdout.write(`${printable(`${workspace}: ${line}`)}\n`);
}

/** Waiting is well: what is waited for comes, or is said. */
function exitCodeOf(shown: readonly RotationShown[]): number {
  const kinds = shown.map(({ result }) => result);
  if (kinds.some(({ kind }) => kind === "stuck" || kind === "undone")) return EXIT.no;
  const isHeldUp = kinds.some((result) => result.kind === "waiting" && result.step === undefined);
  return isHeldUp ? EXIT.unreachable : EXIT.done;
}
