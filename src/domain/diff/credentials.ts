import type { Policy } from "../policy.js";
import type { Difference, Shown } from "./change.js";

type Kind = "API key" | "SPIFFE id" | "token";

interface Credential {
  readonly kind: Kind;
  readonly shown: Shown;
}

/** What proves each principal, by a text that is the same for the same credential. */
export function credentialsByPrincipal({ credentials }: Policy): ReadonlyMap<string, ReadonlyMap<string, Credential>> {
  const all = new Map<string, Map<string, Credential>>();
  const add = (principal: string, kind: Kind, value: string, text = value) => {
    const own = all.get(principal) ?? new Map<string, Credential>();
    own.set(`${kind} ${value}`, { kind, shown: { text, value } });
    all.set(principal, own);
  };
  for (const [hash, principal] of credentials.byApiKeyHash) {
    add(principal, "API key", hash, `${hash.slice(0, SHOWN_DIGITS)}…`);
  }
  for (const [spiffe, principal] of credentials.bySpiffeId) add(principal, "SPIFFE id", spiffe);
  for (const byClaim of credentials.tokens.values()) {
    for (const byValue of byClaim.values()) {
      for (const { principal, issuer, audience, claims } of [...byValue.values()].flat()) {
        const held = Array.from(claims, ([claim, value]) => `${claim} ${value}`).sort();
        add(principal, "token", `${held.join(", ")} of ${issuer} for ${audience}`);
      }
    }
  }
  return all;
}

/** Enough to tell keys apart by, and to find one in the file. */
const SHOWN_DIGITS = 8;

const NO_CREDENTIALS: ReadonlyMap<string, Credential> = new Map();

/** Compare what proves one principal. */
export function credentialDifferences(
  old: ReadonlyMap<string, Credential> = NO_CREDENTIALS,
  now: ReadonlyMap<string, Credential> = NO_CREDENTIALS,
): readonly Difference[] {
  if (old.size + now.size === 0) return [];
  const without = (one: typeof old, other: typeof old) => [...one].filter(([key]) => !other.has(key));
  const revoked = without(old, now).map(
    ([, { kind, shown }]): Difference => ({
      section: "identity",
      effect: "loses",
      what: kind,
      from: shown,
      to: undefined,
    }),
  );
  const added = without(now, old).map(
    ([, { kind, shown }]): Difference => ({
      section: "identity",
      effect: "gains",
      what: kind,
      from: undefined,
      to: shown,
    }),
  );
  return [...revoked, ...added];
}
