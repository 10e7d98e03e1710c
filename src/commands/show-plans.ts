import type { Ask } from "../app/begin-rotation.js";
import type { RotationPlan } from "../app/rotate-key.js";
import { formatDuration } from "../domain/duration.js";
import type { KeysFile } from "../domain/keys-file.js";
import { printable } from "../domain/printable.js";
import type { EpochMs } from "../domain/units.js";
import { type Context, EXIT, isGiven } from "./context.js";
import { lineOfResult } from "./rotation-text.js";
import type { Rotating } from "./rotators.js";

export interface PlansOptions {
  readonly rotating: readonly Rotating[];
  readonly keys: KeysFile;
  readonly ask: Ask;
}

const DAY_MS = 86_400_000;

/** Say what a rotation would do, step by step, and do nothing. @returns 1 where one cannot be begun. */
export async function showPlans({ io, flags }: Context, { rotating, keys, ask }: PlansOptions): Promise<number> {
  let code: number = EXIT.done;
  const rows: object[] = [];
  for (const { workspace, place, rotator } of rotating) {
    const plan = await rotator.plan(ask);
    if (plan.kind === "stuck" || plan.kind === "waiting") {
      code = plan.kind === "stuck" ? EXIT.no : EXIT.unreachable;
      io.stderr.write(`${printable(`${workspace}: ${lineOfResult(plan)}`)}\n`);
      continue;
    }
    const steps = stepsOf(plan, place, keys, io.now());
    rows.push({ workspace, steps });
    if (!isGiven(flags, "json"))
      io.stdout.write(steps.map((step) => `${printable(`${workspace}: ${step}`)}\n`).join(""));
  }
  if (isGiven(flags, "json")) io.stdout.write(`${JSON.stringify({ plans: rows }, undefined, 2)}\n`);
  return code;
}

function stepsOf(
  plan: Exclude<RotationPlan, { kind: "stuck" | "waiting" }>,
  place: string,
  { rotation }: KeysFile,
  now: EpochMs,
): readonly string[] {
  if (plan.kind === "rests") return [lineOfResult(plan) ?? ""];
  if (plan.kind === "goes on") {
    const since = new Date(plan.rotation.startedAt).toISOString();
    return [`a rotation is under way since ${since}, and goes on with ${plan.rotation.step}`];
  }
  const { name, leaving } = plan.rotation;
  const [old] = leaving;
  const age = plan.createdAt === undefined ? "" : `, which is ${Math.floor((now - plan.createdAt) / DAY_MS)} days old`;
  const what = old ? `would replace key ${old.id} in ${place}${age}:` : `would put a first key into ${place}:`;
  return [
    what,
    `1. make a key named ${name}`,
    `2. try it, and put it into ${place}`,
    `3. give readers ${formatDuration(rotation.propagateMs)}, and try what they find there`,
    ...(old
      ? [
          `4. wait until the new key was seen in use, and ${old.id} was not for ${formatDuration(rotation.graceMs)}`,
          `5. revoke ${old.id}`,
        ]
      : []),
  ];
}
