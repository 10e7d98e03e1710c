import { fingerprintOf } from "../domain/fingerprint.js";
import type { SinkRead } from "./key-in-force.js";
import type { ListedKey } from "./key-ports.js";
import type { Creating, Made, NewKey, OpenRotation } from "./rotation.js";
import { faulted, readSink, type StepMeans, type StepResult, staying, stuck, waiting } from "./rotation-step.js";

/** Make a key. One that was made before a crash, and whose secret is lost, is found by its name and revoked first. */
export async function create(rotation: Creating, means: StepMeans): Promise<StepResult> {
  const { provider, rule, clock, secrets, keep } = means;
  const listed = await provider.list();
  if (listed.kind !== "keys") return faulted(rotation, listed, clock.now());
  // A key is stored only after it was written down.
  const strays = listed.keys.filter((key) => isStray(key, rotation, rule.workspace) && !secrets.revoked.has(key.id));
  for (const { id } of strays) {
    await keep();
    const revoked = await provider.revoke(id);
    if (revoked.kind !== "revoked") return faulted(rotation, revoked, clock.now());
    secrets.revoked.add(id);
  }
  if (strays.length > 0) {
    const ids = strays.map(({ id }) => id).join(", ");
    const told = `revoked ${ids}, made before and its secret lost`;
    return { kind: "next", rotation: { ...rotation, attempt: rotation.attempt + 1 }, told };
  }
  await keep();
  const name = keyNameOf(rotation);
  const { workspace, owner } = rule;
  const made = await provider.create({ name, workspace, owner, expiresAt: undefined });
  if (made.kind !== "made") return faulted(rotation, made, clock.now());
  const { id, secret } = made.key;
  secrets.made = { id, secret };
  const key: NewKey = { id, fingerprint: fingerprintOf(secret) };
  const next = { ...rotation, step: "store", since: clock.now(), made: key } as const;
  return { kind: "next", rotation: next, told: `made key ${id}, named ${name}` };
}

/** Name the key that is made next. */
export function keyNameOf({ name, attempt }: Creating): string {
  return attempt === 1 ? name : `${name}-${attempt}`;
}

/** Whether this rotation made a key that it does not know: no reader has it. */
export function isStray({ id, name, workspace }: ListedKey, rotation: OpenRotation, ours: string): boolean {
  if (workspace !== undefined && workspace.id !== ours) return false;
  if (rotation.leaving.some((key) => key.id === id)) return false;
  if ("made" in rotation && rotation.made.id === id) return false;
  return (
    name === rotation.name ||
    (name.startsWith(`${rotation.name}-`) && /^\d+$/.test(name.slice(rotation.name.length + 1)))
  );
}

/** How long a key may be unknown to its provider after it was made. */
const SETTLES_MS = 60_000;

/** Try the key, so that readers never get one that does not work, and put it where they take it from. */
export async function store(rotation: Made<"store">, means: StepMeans): Promise<StepResult> {
  const { sink, probe, clock, secrets, keep } = means;
  const { made, since } = rotation;
  const held = await readSink(rotation, means);
  if (held.kind === "waiting") return held;
  const stored = { ...rotation, step: "propagate", since: clock.now() } as const;
  if (holds(held, made.fingerprint))
    return { kind: "next", rotation: stored, told: `stored key ${made.id} in ${sink.place}` };
  if (secrets.made?.id !== made.id) return makeAnother(rotation, "its secret was lost");
  if (held.kind === "secret" && !isKnown(rotation, fingerprintOf(held.secret))) {
    const why = `${sink.place} was given another key while this one was made`;
    return { kind: "next", rotation: { ...rotation, step: "undo", why }, told: why };
  }

  const tried = await probe.verify(secrets.made.secret);
  if (tried.kind !== "works") {
    const said = tried.kind === "rejected" ? "Mistral does not take it" : "Mistral did not say whether it takes it";
    const why = `key ${made.id} was made, and ${said}: ${tried.why}`;
    if (clock.now() < since + SETTLES_MS) return staying(rotation, why, clock.now());
    if (held.kind === "unreadable" && secrets.offered === made.id) {
      // Its readers may have it, though the place did not say that it took it.
      if (tried.kind === "rejected") return makeAnother(rotation, why);
      return waiting(rotation, why, clock.now() + SETTLES_MS);
    }
    return { kind: "next", rotation: { ...rotation, step: "undo", why }, told: why };
  }
  if (held.kind === "secret") secrets.before = held.secret;
  await keep();
  secrets.offered = made.id;
  const kept = await sink.store(secrets.made.secret);
  if (kept.kind === "failed") {
    const remedy = "the key before stays in force; let it be written, and rotate again";
    return stuck(rotation, `${sink.place} could not be given key ${made.id}: ${kept.why}`, remedy);
  }
  return { kind: "next", rotation: { ...stored, since: clock.now() }, told: `stored key ${made.id} in ${sink.place}` };
}

/** Whether a sink is known to hold a key. */
export function holds(held: SinkRead, fingerprint: string): boolean {
  return held.kind === "secret" && fingerprintOf(held.secret) === fingerprint;
}

/**
 * Begin again with another key. The one before it leaves with the others, and no sooner: a process that was slow may put
 * it into the sink yet.
 */
export function makeAnother(
  { made, ...rotation }: Extract<OpenRotation, { readonly made: NewKey }>,
  because: string,
): StepResult {
  const leaving = [...rotation.leaving, made];
  const { workspace, name, attempt, startedAt, since } = rotation;
  return {
    kind: "next",
    rotation: { workspace, name, startedAt, since, leaving, step: "create", attempt: attempt + 1 },
    told: `will make another key in place of ${made.id}: ${because}`,
  };
}

/** Whether the sink still holds what it did when the rotation began, where that was seen. */
function isKnown({ leaving }: OpenRotation, fingerprint: string): boolean {
  const known = leaving.map((key) => key.fingerprint);
  return known.length === 0 || known.includes(undefined) || known.includes(fingerprint);
}
