import { fingerprintOf } from "../domain/fingerprint.js";
import { fitsMask } from "../domain/mask.js";
import type { ListedKey, SecretSink } from "./key-ports.js";
import type { LeavingKey } from "./rotation.js";

/** What a sink gave back. */
export type SinkRead = Awaited<ReturnType<SecretSink["read"]>>;

export interface InForceQuestion {
  readonly sink: SinkRead;
  /** The provider's keys, of all workspaces. */
  readonly listed: readonly ListedKey[];
  /** The provider's id of the workspace. */
  readonly workspace: string;
  /** Which key the last rotation left there, where one did. */
  readonly last: LeavingKey | undefined;
  /** What a person says: a key's id; "none": leave whatever key it is. */
  readonly said: string | undefined;
}

export type InForce =
  | { readonly kind: "key"; readonly key: LeavingKey; readonly listed: ListedKey }
  /** No key is there, or none that is to be revoked. */
  | { readonly kind: "none" }
  | { readonly kind: "unclear"; readonly why: string; readonly remedy: string };

/**
 * Find which of the provider's keys a sink holds: by what a person says, by what the last rotation left there, or by
 * what the provider shows of secrets.
 */
export function keyInForce({ sink, listed, workspace, last, said }: InForceQuestion): InForce {
  if (said === "none") return { kind: "none" };
  const ours = listed.filter((key) => key.workspace === undefined || key.workspace.id === workspace);
  const fingerprint = sink.kind === "secret" ? fingerprintOf(sink.secret) : undefined;
  const found = (key: ListedKey): InForce => ({ kind: "key", key: { id: key.id, fingerprint }, listed: key });
  if (said !== undefined) {
    const named = ours.find(({ id }) => id === said);
    const seen = named && otherSeen(sink, ours, named);
    if (seen) {
      const why = `the sink holds key ${seen.id}, by what Mistral shows of it, and not ${said}`;
      return { kind: "unclear", why, remedy: `leave --old-key out, or say --old-key ${seen.id}` };
    }
    if (named) return found(named);
    return { kind: "unclear", why: `Mistral lists no key ${said} in its workspace ${workspace}`, remedy: SAY };
  }
  if (sink.kind === "empty") return { kind: "none" };
  const left = last && ours.find(({ id }) => id === last.id);
  if (left && (sink.kind === "unreadable" || last.fingerprint === fingerprint)) return found(left);
  if (sink.kind === "unreadable") {
    return { kind: "unclear", why: `which key is in use cannot be told: ${sink.why}`, remedy: SAY };
  }
  const fitting = ours.filter(({ mask }) => mask !== undefined && fitsMask(sink.secret, mask));
  const [only] = fitting;
  if (only && fitting.length === 1) return found(only);
  const why = `${fitting.length === 0 ? "none" : fitting.length} of the keys that Mistral lists in its workspace ${workspace} may be the one in use`;
  return { kind: "unclear", why, remedy: SAY };
}

/** The one other key that a sink holds to all appearance; undefined: it may be the one that was named. */
function otherSeen(sink: SinkRead, ours: readonly ListedKey[], named: ListedKey): ListedKey | undefined {
  if (sink.kind !== "secret") return undefined;
  const fitting = ours.filter(({ mask }) => mask !== undefined && fitsMask(sink.secret, mask));
  return fitting.length === 1 && fitting[0] !== named ? fitting[0] : undefined;
}

const SAY =
  "name it by --old-key ID (windbreak keys list --upstream shows ids), or let it stand by --old-key none and revoke it yourself";
