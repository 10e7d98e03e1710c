import type { UpstreamRule } from "../domain/keys-file.js";
import type { EpochMs } from "../domain/units.js";
import type { KeyFault, KeyProvider, MadeKey, SecretSink } from "./key-ports.js";

export interface IssueOptions {
  readonly provider: KeyProvider;
  readonly rule: Pick<UpstreamRule, "workspace" | "owner">;
  /** One that no key has. */
  readonly name: string;
  /** Where the key is put; undefined: whoever asked takes it. */
  readonly sink: SecretSink | undefined;
}

/** What came of issuing a key. */
export type Issued =
  | { readonly kind: "issued"; readonly key: MadeKey }
  | KeyFault
  /** It was made, and its sink did not take it. */
  | {
      readonly kind: "unstored";
      readonly key: Pick<MadeKey, "id" | "name">;
      readonly why: string;
      readonly left: Left;
    };

/** What became of a key that is of no use: revoked, or, where it could not be, why not. */
type Left =
  | { readonly kind: "revoked" }
  /** Its sink may have it, and with it its readers. */
  | { readonly kind: "kept" }
  | KeyFault;

/**
 * Make a key of Mistral's and put it where its readers take it from.
 *
 * No key is left behind that nobody holds: one that its sink does not take is revoked, unless the sink cannot be read
 * and may have it; and so is one that was made without its secret being seen, which is found by its name.
 */
export async function issueUpstream({ provider, rule, name, sink }: IssueOptions): Promise<Issued> {
  const made = await provider.create({ name, workspace: rule.workspace, owner: rule.owner, expiresAt: undefined });
  if (made.kind === "unknown") return withoutStray(provider, name, made);
  if (made.kind !== "made") return made;
  const { key } = made;
  const stored = await sink?.store(key.secret);
  if (!sink || stored?.kind !== "failed") return { kind: "issued", key };
  // An answer that was lost says nothing of what was done.
  const held = await sink.read();
  if (held.kind === "secret" && held.secret === key.secret) return { kind: "issued", key };
  const left = held.kind === "unreadable" ? ({ kind: "kept" } as const) : await provider.revoke(key.id);
  return { kind: "unstored", key: { id: key.id, name }, why: stored.why, left };
}

async function withoutStray(provider: KeyProvider, name: string, fault: KeyFault): Promise<Issued> {
  const listed = await provider.list();
  if (listed.kind !== "keys") {
    const remedy = `a key named ${name} may have been made: look for it by windbreak keys list --upstream, and revoke it`;
    return { kind: "unknown", why: `${fault.why}; ${remedy}` };
  }
  const stray = listed.keys.find((key) => key.name === name);
  if (!stray) return { kind: "unknown", why: `${fault.why}; no key was made` };
  const left = await provider.revoke(stray.id);
  if (left.kind === "revoked") return { kind: "unknown", why: `${fault.why}; a key was made unseen, and is revoked` };
  return { kind: "unstored", key: { id: stray.id, name }, why: fault.why, left };
}

/** Name a new key so that no other has its name, and people see when it was made: `dev-team-20261129T101500Z-k3f9`. */
export function newKeyName(prefix: string, now: EpochMs, random: (count: number) => Uint8Array): string {
  const at = new Date(now).toISOString().replace(/[-:]|\.\d+/g, "");
  const letters = [...random(4)].map((byte) => (byte % 36).toString(36)).join("");
  return `${prefix}-${at}-${letters}`;
}
