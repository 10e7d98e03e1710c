import type { EpochMs, Millis } from "../domain/units.js";
import { newKeyName } from "./issue-upstream.js";
import { keyInForce } from "./key-in-force.js";
import type { Clock } from "./ports.js";
import type { Creating, EndedRotation } from "./rotation.js";
import { isWriteOnly, type RotationMeans, type Stuck, type Waiting } from "./rotation-step.js";

/** What is asked of a rotation. */
export interface Ask {
  /** Whether one begins where none is under way: `due`, where the key is old enough. */
  readonly begin: "now" | "due" | "never";
  /** The key that the sink holds, by its id, where a person says; "none": leave it alone. */
  readonly oldKey?: string | undefined;
  /** The keys before may go, whoever uses them. */
  readonly retireAnyway?: boolean | undefined;
}

export interface Resting {
  readonly kind: "rests";
  /** When the key in force is old enough; undefined: nobody looked, or nobody knows how old it is. */
  readonly dueAt: EpochMs | undefined;
  readonly createdAt: EpochMs | undefined;
}

export type Begin =
  | { readonly kind: "begins"; readonly rotation: Creating; readonly createdAt: EpochMs | undefined }
  | Resting
  | Waiting
  | Stuck;

/** A key of unknown age is due: from its first rotation on, its age is known. */
export async function beginRotation(means: RotationMeans, last: EndedRotation | undefined, ask: Ask): Promise<Begin> {
  const { workspace, rule, provider, sink, clock, times } = means;
  const now = clock.now();
  const listed = await provider.list();
  if (listed.kind === "unknown") return waitBefore(clock, listed.why);
  if (listed.kind !== "keys") return stuckBefore(listed.why, "nothing was changed");
  const held = await sink.read();
  if (held.kind === "unreadable" && !isWriteOnly(rule)) return stuckBefore(held.why, "nothing was changed");
  const ours = { listed: listed.keys, workspace: rule.workspace };
  const found = keyInForce({ sink: held, ...ours, last: last?.key, said: ask.oldKey });
  if (found.kind === "unclear") return stuckBefore(found.why, found.remedy);
  const createdAt = found.kind === "key" ? (found.listed.createdAt ?? last?.at) : undefined;
  const dueAt = createdAt === undefined ? undefined : createdAt + times.everyMs;
  if (ask.begin === "never" || (ask.begin === "due" && dueAt !== undefined && dueAt > now)) {
    return { kind: "rests", dueAt, createdAt };
  }
  const name = newKeyName(rule.name, now, means.random);
  const leaving = found.kind === "key" ? [found.key] : [];
  const rotation = { step: "create", workspace, name, attempt: 1, startedAt: now, since: now, leaving } as const;
  return { kind: "begins", rotation, createdAt };
}

/** Say that nothing has begun, and that a person has to do something first. */
export function stuckBefore(why: string, remedy: string): Stuck {
  return { kind: "stuck", step: undefined, why, remedy };
}

/** While another process holds the rotation, or somebody does not answer. */
const AGAIN_MS: Millis = 10_000;

/** Say that nothing could be begun, or gone on with, just now. */
export function waitBefore(clock: Clock, why: string, isTaken = false): Waiting {
  return { kind: "waiting", step: undefined, until: clock.now() + AGAIN_MS, why, mustStay: false, isTaken };
}
