import { knownNames, type Names, unknownName } from "./check-references.js";
import type { Path, Problem } from "./faults.js";
import type { Suggest } from "./nearest.js";
import { at, entriesAt, isRecord, itemsAt, textAt } from "./raw.js";
import { show } from "./show.js";

const PROOFS = ["api_key_sha256", "spiffe", "jwt"] as const;

/** Check credentials and trust rules: one proof each, names that exist, keys for every token's issuer. */
export function checkIdentity(raw: unknown, suggest: Suggest): readonly Problem[] {
  const issuers = new Set(itemsAt(raw, "trust").map((rule) => textAt(rule, "jwt", "issuer")));
  const holders = new Map<string, string>();
  const credentials = entriesAt(raw, "principals").flatMap(([id, principal]) =>
    itemsAt(principal, "credentials").flatMap((credential, index) => {
      const path = ["principals", id, "credentials", index];
      return [
        ...oneOf(credential, PROOFS, path, "write each credential as an item of its own"),
        ...keyless(credential, path, issuers),
        ...heldTwice(credential, path, id, holders),
      ];
    }),
  );
  const names = { known: knownNames(raw), suggest };
  const trust = itemsAt(raw, "trust").flatMap((rule, index) => checkTrust(rule, ["trust", index], names));
  return [...credentials, ...trust];
}

/** Check that a map holds one of several keys. Where it holds others, the schema has told already. */
export function oneOf(raw: unknown, keys: readonly string[], path: Path, remedy: string): readonly Problem[] {
  const entries = entriesAt(raw);
  const found = entries.filter(([key]) => keys.includes(key));
  if (isRecord(raw) && entries.length === 0) {
    return [{ path, at: "value", what: "an empty map", remedy: `write one of ${keys.join(", ")}` }];
  }
  const second = found[1];
  if (!second) return [];
  const what = `${found.map(([key]) => key).join(" and ")} in one`;
  return [{ path: [...path, second[0]], at: "key", what, remedy }];
}

function keyless(credential: unknown, path: Path, issuers: ReadonlySet<string | undefined>): readonly Problem[] {
  const issuer = textAt(credential, "jwt", "issuer");
  if (issuer === undefined || at(credential, "jwt", "jwks") !== undefined || issuers.has(issuer)) return [];
  const what = `no keys for the issuer ${show(issuer)}`;
  return [{ path: [...path, "jwt"], at: "key", what, remedy: "add jwks here, or a trust rule with this issuer" }];
}

/** Two principals with one credential could not be told apart. */
function heldTwice(credential: unknown, path: Path, id: string, holders: Map<string, string>): readonly Problem[] {
  return PROOFS.flatMap((kind): readonly Problem[] => {
    const proof = proofIn(credential, kind);
    if (proof === undefined) return [];
    const holder = holders.get(proof);
    holders.set(proof, holder ?? id);
    if (holder === undefined || holder === id) return [];
    const what = `principal ${show(holder)} has the same credential`;
    return [{ path: [...path, kind], at: "value", what, remedy: "give each principal its own" }];
  });
}

/** What a credential asks for, as a text that is the same for all that ask for the same. */
function proofIn(credential: unknown, kind: (typeof PROOFS)[number]): string | undefined {
  if (kind !== "jwt") {
    const written = textAt(credential, kind);
    return kind === "spiffe" ? written : written?.toLowerCase();
  }
  const claims = entriesAt(credential, "jwt", "claims");
  if (claims.length === 0) return undefined;
  const asked = ["issuer", "audience"].map((part) => textAt(credential, "jwt", part));
  return JSON.stringify([...asked, ...claims.map(([name, value]) => [name, String(value)]).sort()]);
}

function checkTrust(rule: unknown, path: Path, names: Names): readonly Problem[] {
  if (!isRecord(rule)) return [];
  const references = (["role", "workspace"] as const).flatMap((kind) => {
    const given = [...path, kind];
    const mapped = entriesAt(rule, kind, "map").flatMap(([value, name]) =>
      typeof name === "string" ? unknownName({ kind, name, path: [...given, "map", value] }, names) : [],
    );
    return [...unknownName({ kind, name: textAt(rule, kind), path: given }, names), ...mapped];
  });
  return [...wrongProof(rule, path), ...references];
}

/** What a rule proves callers by, and what it takes from that: a token has claims, a SPIFFE id is one name. */
function wrongProof(rule: unknown, path: Path): readonly Problem[] {
  const has = (...keys: readonly string[]) => at(rule, ...keys) !== undefined;
  const principal = [...path, "principal"];
  if (has("jwt") && has("spiffe")) {
    const remedy = "write each as a rule of its own";
    return [{ path: [...path, "spiffe"], at: "key", what: "jwt and spiffe in one rule", remedy }];
  }
  if (has("jwt")) {
    if (has("principal")) return [];
    return [{ path: principal, at: "value", what: "missing", remedy: "add it: { claim: sub }" }];
  }
  if (!has("spiffe")) {
    return [{ path, at: "value", what: "a trust rule without jwt or spiffe", remedy: "add one of the two" }];
  }
  const itself = "a SPIFFE rule's principal is the SPIFFE id itself";
  const problems: Problem[] = [];
  if (has("principal")) problems.push({ path: principal, at: "key", what: itself, remedy: "remove it" });
  for (const kind of ["role", "workspace"]) {
    if (!has(kind, "claim")) continue;
    const remedy = `name one of the ${kind}s`;
    problems.push({ path: [...path, kind], at: "value", what: "a SPIFFE id has no claims", remedy });
  }
  return problems;
}
