import { type AuditedKey, type AuditRules, auditKeys, type Sighting } from "../app/audit-keys.js";
import { callersKeys } from "../app/callers-keys.js";
import type { ListedKey } from "../app/key-ports.js";
import { type HeldSecret, upstreamSightings } from "../app/upstream-sightings.js";
import type { KeysFile } from "../domain/keys-file.js";
import { printable } from "../domain/printable.js";
import { openSink } from "../keys/sinks/open-sink.js";
import type { KeysSettings } from "../settings.js";
import { type Context, EXIT, fail, failure, type Io } from "./context.js";
import { openUpstream, policyForKeys, type Told, type Upstream } from "./open-upstream.js";
import { askSeenKeys, type SeenKeys } from "./seen-keys.js";

const DAY_MS = 86_400_000;
/** Of callers' keys, of which no keys file says it. */
const UNUSED_MS = 30 * DAY_MS;

/** Find the keys that are meant, and what is doubtful about them. What cannot be known is told on stderr. */
export async function foundKeys(context: Context, settings: KeysSettings): Promise<readonly AuditedKey[] | Told> {
  return settings.side === "callers" ? ofCallers(context, settings) : ofUpstream(context, settings);
}

async function ofCallers({ io }: Context, settings: KeysSettings): Promise<readonly AuditedKey[] | Told> {
  const policy = await policyForKeys(io, settings.policyFile ?? "");
  if ("kind" in policy) return policy;
  const seen = await askSeenKeys(settings);
  if (seen.kind === "unseen") note(io, `when callers' keys were used last is not known: ${seen.why}`);
  const { keys, sightings } = callersKeys(policy, seen.kind === "seen" ? seen.seen : undefined);
  const rules: AuditRules = {
    unusedMs: settings.unusedMs ?? UNUSED_MS,
    expiringMs: 0,
    everyMs: undefined,
    workspaces: undefined,
    namesAreUnique: false,
  };
  return auditKeys({ keys, sightings, rules, now: io.now() });
}

async function ofUpstream(context: Context, settings: KeysSettings): Promise<readonly AuditedKey[] | Told> {
  const { io } = context;
  const upstream = await openUpstream(context, settings);
  if (upstream.kind === "told") return upstream;
  const listed = await upstream.provider.list();
  // Refused too: there is no list to judge by.
  if (listed.kind !== "keys") return { kind: "told", exitCode: fail(io, failure(EXIT.unreachable, listed.why)) };
  const seen = await askSeenKeys(settings);
  if (seen.kind === "unseen") note(io, `when keys were used last is Mistral's word alone: ${seen.why}`);
  const sightings = await sightingsOf(io, upstream, listed.keys, seen);
  const rules = upstreamRules(upstream.keys, settings);
  return auditKeys({ keys: listed.keys, sightings, rules, now: io.now() });
}

/** Find which of Mistral's keys are in force, by what their sinks hold. A sink that does not tell is told on stderr. */
export async function sightingsOf(
  io: Io,
  { keys, variable }: Upstream,
  listed: readonly ListedKey[],
  seen: SeenKeys,
): Promise<ReadonlyMap<string, Sighting>> {
  const held = new Map<string, HeldSecret[]>();
  for (const [name, { workspace, sink: place }] of keys.upstream) {
    const sink = openSink(place, { variable, timeoutMs: keys.admin.timeoutMs });
    const read = await sink.read();
    if (read.kind === "unreadable") note(io, `which key of ${name} is in force is not known: ${read.why}`);
    held.set(workspace, [...(held.get(workspace) ?? []), read]);
  }
  return upstreamSightings(listed, held, seen.kind === "seen" ? seen.seen : undefined);
}

function upstreamRules({ audit, rotation, upstream }: KeysFile, { unusedMs }: KeysSettings): AuditRules {
  const workspaces = new Map<string, string>();
  for (const [name, { workspace }] of upstream) {
    const before = workspaces.get(workspace);
    workspaces.set(workspace, before === undefined ? name : `${before}, ${name}`);
  }
  return {
    unusedMs: unusedMs ?? audit.unusedMs,
    expiringMs: audit.expiringMs,
    everyMs: rotation.everyMs,
    workspaces,
    namesAreUnique: true,
  };
}

function note({ stderr }: Io, line: string): void {
  stderr.write(`note: ${printable(line)}\n`);
}
