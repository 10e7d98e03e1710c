import { formatDuration } from "../domain/duration.js";
import type { EpochMs, Millis } from "../domain/units.js";
import type { KeyUse, LastUse, ListedKey } from "./key-ports.js";
import type { LeavingKey, NewKey } from "./rotation.js";

const DAY_MS: Millis = 86_400_000;
/** How far the provider's clock may be off: a use that is closer to a new key's trial than this may be the trial. */
const CLOCKS_DIFFER_MS: Millis = 60_000;

export interface RetireQuestion {
  readonly made: NewKey;
  readonly leaving: readonly LeavingKey[];
  /** When the new key had been tried and found to work: from here on the keys before are watched. */
  readonly since: EpochMs;
  readonly graceMs: Millis;
  readonly now: EpochMs;
  /** As the provider lists them. */
  readonly listed: readonly ListedKey[];
  /** What Windbreak itself saw, and since when it looks; undefined: it looks at nothing. */
  readonly seen: { readonly since: EpochMs; readonly uses: readonly KeyUse[] } | undefined;
}

export type RetireAnswer =
  | { readonly kind: "now" }
  /** @see until when it could be; undefined: that depends on what others do. */
  | { readonly kind: "wait"; readonly until: EpochMs | undefined; readonly why: string }
  /** Nobody can say. */
  | { readonly kind: "unwitnessed"; readonly why: string };

/**
 * Say whether the keys before a new one may be revoked: it was seen in use, and they were not for the grace time.
 *
 * There are two witnesses, and the later use that either tells counts: the provider, and Windbreak, which knows to the
 * millisecond when it sent calls with a key and nothing of other uses; it is one once it sends calls with the new key. A day that the provider names is read as its end:
 * the key may have been used until then. The new key's trial is a use that proves nothing.
 */
export function mayRetire(question: RetireQuestion): RetireAnswer {
  const { made, leaving, listed, graceMs, now } = question;
  const present = leaving.filter(({ id }) => listed.some((key) => key.id === id));
  if (present.length === 0) return { kind: "now" };

  const isWatched = wasSeen(question, made.fingerprint);
  if (!isNewInUse(question)) {
    const why = `the new key ${made.id} was not seen in use yet`;
    const isUnseen =
      useListed(question, made.id).kind === "unknown" && !present.some((key) => wasSeen(question, key.fingerprint));
    return isUnseen
      ? { kind: "unwitnessed", why: `nobody says whether the new key ${made.id} is in use` }
      : { kind: "wait", until: undefined, why };
  }
  // A key whose secret was never seen is not known again by what Windbreak sees.
  const unwitnessed = present.find(
    ({ id, fingerprint }) => (!isWatched || fingerprint === undefined) && useListed(question, id).kind === "unknown",
  );
  if (unwitnessed) return { kind: "unwitnessed", why: `nobody says when key ${unwitnessed.id} was used last` };
  const last = present
    .map((key) => ({ id: key.id, at: quietSince(question, key, isWatched) }))
    .reduce((left, right) => (right.at > left.at ? right : left));
  const until = last.at + graceMs;
  if (now >= until) return { kind: "now" };
  const why = `key ${last.id} may have been used until ${new Date(last.at).toISOString()}, and is revoked ${formatDuration(graceMs)} after its last use`;
  return { kind: "wait", until, why };
}

function wasSeen({ seen }: RetireQuestion, fingerprint: string | undefined): boolean {
  return seen?.uses.some(({ id }) => id === fingerprint) ?? false;
}

function isNewInUse(question: RetireQuestion): boolean {
  const { made, since } = question;
  if (wasSeen(question, made.fingerprint)) return true;
  const use = useListed(question, made.id);
  if (use.kind === "instant") return use.at > since + CLOCKS_DIFFER_MS;
  return use.kind === "day" && use.start > since + CLOCKS_DIFFER_MS;
}

/** From when on nobody saw a key in use. What was used before anybody watched may have been used until then. */
function quietSince(question: RetireQuestion, { id, fingerprint }: LeavingKey, isWatched: boolean): EpochMs {
  const { seen, since } = question;
  const use = useListed(question, id);
  const listed = use.kind === "instant" ? use.at : use.kind === "day" ? use.start + DAY_MS : since;
  const own = seen?.uses.find((one) => one.id === fingerprint)?.lastUsed ?? since;
  return Math.max(since, listed, own, isWatched && seen ? seen.since : since);
}

function useListed({ listed }: RetireQuestion, id: string): LastUse {
  return listed.find((key) => key.id === id)?.lastUse ?? { kind: "unknown" };
}
