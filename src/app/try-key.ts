import { fingerprintOf } from "../domain/fingerprint.js";
import { holds, makeAnother } from "./make-key.js";
import type { Made, Undoing } from "./rotation.js";
import { faulted, readSink, type StepMeans, type StepResult, stuck, waiting } from "./rotation-step.js";

/** Give readers of the sink time to take the new key up. */
export function propagate(rotation: Made<"propagate">, { clock, times, sink }: StepMeans): StepResult {
  const until = rotation.since + times.propagateMs;
  if (clock.now() < until)
    return waiting(rotation, `readers of ${sink.place} are given time to take up the new key`, until);
  const next = { ...rotation, step: "verify", since: clock.now() } as const;
  return { kind: "next", rotation: next, told: "readers have had time to take up the new key" };
}

/** Keys made in one rotation because those before were refused; then a person has to look. */
const MOST_ATTEMPTS = 5;

/** Try what the sink holds, as its readers do. A key that is refused there is taken back, or another takes its place. */
export async function verify(rotation: Made<"verify">, means: StepMeans): Promise<StepResult> {
  const { sink, probe, clock, secrets } = means;
  const { made } = rotation;
  const held = await readSink(rotation, means);
  if (held.kind === "waiting") return held;
  if (held.kind !== "unreadable" && !holds(held, made.fingerprint)) return replaced(rotation, means);
  const own = secrets.made?.id === made.id ? secrets.made.secret : undefined;
  const secret = held.kind === "secret" ? held.secret : own;
  // Where the place gives nothing back and the process is another: it was tried before it was stored.
  const tried = secret === undefined ? ({ kind: "works" } as const) : await probe.verify(secret);
  switch (tried.kind) {
    case "works": {
      const next = { ...rotation, step: "retire", since: clock.now() } as const;
      return { kind: "next", rotation: next, told: `key ${made.id} works` };
    }
    case "unknown":
      return waiting(rotation, `Mistral did not say whether key ${made.id} works: ${tried.why}`, clock.now() + 30_000);
    case "rejected": {
      const why = `Mistral does not take key ${made.id} any more: ${tried.why}`;
      if (secrets.before !== undefined)
        return { kind: "next", rotation: { ...rotation, step: "undo", why }, told: why };
      if (rotation.attempt < MOST_ATTEMPTS) return makeAnother(rotation, why);
      return stuck(rotation, why, `put a key that works into ${sink.place}, then end this rotation by --abandon`);
    }
  }
}

/** Say that the sink holds what this rotation did not put there. Nothing is revoked: who knows which key is in use. */
export function replaced(rotation: Made<"verify" | "retire" | "revoke">, { sink }: StepMeans): StepResult {
  const why = `${sink.place} no longer holds key ${rotation.made.id}, which this rotation put there`;
  return stuck(rotation, why, "put it back and rotate again, or end this rotation by --abandon; no key is revoked");
}

/** Put the key before back where that is needed, and revoke the new one, which no reader has then. */
export async function undo(rotation: Undoing, means: StepMeans): Promise<StepResult> {
  const { sink, provider, clock, secrets, keep } = means;
  const { made, workspace, why } = rotation;
  const held = await readSink(rotation, means);
  if (held.kind === "waiting") return held;
  if (holds(held, made.fingerprint)) {
    if (secrets.before === undefined) return makeAnother(rotation, why);
    await keep();
    const stored = await sink.store(secrets.before);
    if (stored.kind === "failed") {
      return stuck(rotation, `${why}; ${sink.place} could not be given the key before: ${stored.why}`, "put it there");
    }
  }
  await keep();
  const revoked = await provider.revoke(made.id);
  if (revoked.kind !== "revoked") return faulted(rotation, revoked, clock.now());
  const before = secrets.before ?? (held.kind === "secret" ? held.secret : undefined);
  const now = before === undefined ? undefined : fingerprintOf(before);
  const key = rotation.leaving.find(({ fingerprint }) => fingerprint !== undefined && fingerprint === now);
  return {
    kind: "next",
    rotation: { step: "ended", workspace, outcome: "undone", at: clock.now(), key, why },
    told: `${why}; it was revoked, and no other key was`,
  };
}
