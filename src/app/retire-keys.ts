import type { Millis } from "../domain/units.js";
import type { SinkRead } from "./key-in-force.js";
import { holds, isStray } from "./make-key.js";
import { mayRetire } from "./may-retire.js";
import type { Made } from "./rotation.js";
import { faulted, readSink, type StepMeans, type StepResult, stuck, waiting } from "./rotation-step.js";
import { replaced } from "./try-key.js";

/** Between two looks for what others do. */
const LOOK_MS: Millis = 60_000;
/** A provider is not asked more often than that for keys that are not due for hours. */
const REST_MS: Millis = 3_600_000;

/** Wait until the new key was seen in use, and those before it were not for the grace time. */
export async function retire(rotation: Made<"retire">, means: StepMeans): Promise<StepResult> {
  const { provider, rule, uses, clock, times, retireAnyway, keep } = means;
  const { made, leaving, since } = rotation;
  const held = await readSink(rotation, means);
  if (held.kind === "waiting") return held;
  if (isReplaced(held, rotation)) return replaced(rotation, means);
  const revoke = { ...rotation, step: "revoke", since: clock.now() } as const;
  const ids = leaving.map(({ id }) => id).join(", ");
  if (leaving.length === 0) return { kind: "next", rotation: revoke, told: "no key is to be revoked" };
  const elsewhere = await heldElsewhere(rotation, means);
  if (elsewhere !== undefined) return waiting(rotation, elsewhere, clock.now() + LOOK_MS);
  if (retireAnyway) return { kind: "next", rotation: revoke, told: `revoking ${ids}, as it was decided` };

  const listed = await provider.list();
  if (listed.kind !== "keys") return faulted(rotation, listed, clock.now());
  if (!listed.keys.some(({ id }) => id === made.id)) {
    const why = `Mistral no longer lists key ${made.id}, which ${means.sink.place} holds`;
    return stuck(rotation, why, "see in its console who revoked it; end this rotation by --abandon, and rotate again");
  }
  // Made by a process that was slow to ask, after another had taken its place.
  for (const { id } of listed.keys.filter((key) => isStray(key, rotation, rule.workspace))) {
    await keep();
    const revoked = await provider.revoke(id);
    if (revoked.kind !== "revoked") return faulted(rotation, revoked, clock.now());
  }
  const seen = await uses?.read("upstream");
  const now = clock.now();
  if (seen?.kind === "away")
    return waiting(rotation, "what Windbreak saw of the keys' use cannot be read now", now + LOOK_MS);
  const answer = mayRetire({ made, leaving, since, graceMs: times.graceMs, now, listed: listed.keys, seen });
  switch (answer.kind) {
    case "now":
      return { kind: "next", rotation: revoke, told: `${made.id} is in use, and ${ids} not any more` };
    case "wait":
      return waiting(rotation, answer.why, Math.min(answer.until ?? now + LOOK_MS, now + REST_MS));
    case "unwitnessed":
      return waiting(rotation, `${answer.why}; once you know, say so by --retire-anyway`, now + REST_MS);
  }
}

/** How long it holds that a key is out of use. */
const HOLDS_MS: Millis = 300_000;

/**
 * Revoke the keys before. None of them is in the sink.
 *
 * Whoever comes back to this after a crash looks again first: the key may have been used in the meantime.
 */
export async function revoke(rotation: Made<"revoke">, means: StepMeans): Promise<StepResult> {
  const { provider, clock, keep } = means;
  const { workspace, made, leaving } = rotation;
  const sinceFound = clock.now() - rotation.since;
  // Where the clock was put back, nobody knows how long it is.
  if (leaving.length > 0 && (sinceFound < 0 || sinceFound > HOLDS_MS)) {
    const again = { ...rotation, step: "retire", since: clock.now() } as const;
    return { kind: "next", rotation: again, told: "looking again whether the keys before are in use" };
  }
  const elsewhere = leaving.length > 0 ? await heldElsewhere(rotation, means) : undefined;
  if (elsewhere !== undefined) return waiting(rotation, elsewhere, clock.now() + LOOK_MS);
  for (const { id } of leaving) {
    const held = await readSink(rotation, means);
    if (held.kind === "waiting") return held;
    if (isReplaced(held, rotation)) return replaced(rotation, means);
    await keep();
    const revoked = await provider.revoke(id);
    if (revoked.kind !== "revoked") return faulted(rotation, revoked, clock.now());
  }
  const revoked = leaving.map(({ id }) => id).join(", ");
  const told = `key ${made.id} is in force${revoked === "" ? "" : `, and ${revoked} revoked`}`;
  const ended = { step: "ended", workspace, outcome: "done", at: clock.now(), key: made, why: undefined } as const;
  return { kind: "next", rotation: ended, told };
}

/** Say where else a key is kept that is to be revoked; undefined: nowhere that can be seen. */
async function heldElsewhere(
  { leaving }: Made<"retire" | "revoke">,
  { otherSinks, retireAnyway }: StepMeans,
): Promise<string | undefined> {
  for (const sink of otherSinks) {
    const held = await sink.read();
    const found = leaving.find(({ fingerprint }) => fingerprint !== undefined && holds(held, fingerprint));
    if (found) return `key ${found.id} is in ${sink.place} too, and stays until that is rotated`;
    if (held.kind === "unreadable" && !retireAnyway) {
      const ids = leaving.map(({ id }) => id).join(", ");
      return `whether ${sink.place} holds key ${ids} too cannot be told: ${held.why}; once you know, say so by --retire-anyway`;
    }
  }
  return undefined;
}

function isReplaced(held: SinkRead, { made }: Made<"retire" | "revoke">): boolean {
  return held.kind !== "unreadable" && !holds(held, made.fingerprint);
}
