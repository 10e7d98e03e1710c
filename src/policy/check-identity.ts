import { type KnownNames, knownNames, unknownName } from "./check-references.js";
import type { Path, Problem } from "./faults.js";
import type { Suggest } from "./nearest.js";
import { at, entriesAt, itemsAt, textAt } from "./raw.js";
import { show } from "./show.js";

/** Check credentials and trust rules: one proof each, names that exist, keys for every token's issuer. */
export function checkIdentity(raw: unknown, suggest: Suggest): readonly Problem[] {
  const issuers = new Set(itemsAt(raw, "trust").map((rule) => textAt(rule, "jwt", "issuer")));
  const holders = new Map<string, string>();
  const credentials = entriesAt(raw, "principals").flatMap(([id, principal]) =>
    itemsAt(principal, "credentials").flatMap((credential, index) => {
      const path = ["principals", id, "credentials", index];
      return [
        ...oneOf(credential, ["api_key_sha256", "spiffe", "jwt"], path, "write each credential as an item of its own"),
        ...keyless(credential, path, issuers),
        ...heldTwice(credential, path, id, holders),
      ];
    }),
  );
  const known = knownNames(raw);
  const trust = itemsAt(raw, "trust").flatMap((rule, index) => checkTrust(rule, ["trust", index], known, suggest));
  return [...credentials, ...trust];
}

/** Check that a map holds one of several keys. Where it holds others, the schema has told already. */
export function oneOf(raw: unknown, keys: readonly string[], path: Path, remedy: string): readonly Problem[] {
  const entries = entriesAt(raw);
  const found = entries.filter(([key]) => keys.includes(key));
  const isMap = typeof raw === "object" && raw !== null && !Array.isArray(raw);
  if (isMap && entries.length === 0) {
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
  return ["api_key_sha256", "spiffe"].flatMap((kind): readonly Problem[] => {
    const written = textAt(credential, kind);
    if (written === undefined) return [];
    const proof = kind === "spiffe" ? written : written.toLowerCase();
    const holder = holders.get(proof);
    holders.set(proof, holder ?? id);
    if (holder === undefined || holder === id) return [];
    const what = `principal ${show(holder)} has the same credential`;
    return [{ path: [...path, kind], at: "value", what, remedy: "give each principal its own" }];
  });
}

function checkTrust(rule: unknown, path: Path, known: KnownNames, suggest: Suggest): readonly Problem[] {
  const isJwt = at(rule, "jwt") !== undefined;
  const isSpiffe = at(rule, "spiffe") !== undefined;
  const problems: Problem[] = [];
  if (isJwt && isSpiffe) {
    const remedy = "write each as a rule of its own";
    problems.push({ path: [...path, "spiffe"], at: "key", what: "jwt and spiffe in one rule", remedy });
  } else if (!isJwt && !isSpiffe && at(rule, "role") !== undefined) {
    problems.push({ path, at: "value", what: "a trust rule without jwt or spiffe", remedy: "add one of the two" });
  } else if (isJwt && at(rule, "principal") === undefined) {
    problems.push({ path: [...path, "principal"], at: "value", what: "missing", remedy: "add it: { claim: sub }" });
  } else if (isSpiffe && at(rule, "principal") !== undefined) {
    const what = "a SPIFFE rule's principal is the SPIFFE id itself";
    problems.push({ path: [...path, "principal"], at: "key", what, remedy: "remove it" });
  }
  for (const kind of ["role", "workspace"] as const) {
    const given = [...path, kind];
    problems.push(...unknownName(known, kind, textAt(rule, kind), given, suggest));
    for (const [value, name] of entriesAt(rule, kind, "map")) {
      if (typeof name === "string") problems.push(...unknownName(known, kind, name, [...given, "map", value], suggest));
    }
    if (isSpiffe && !isJwt && at(rule, kind, "claim") !== undefined) {
      const what = "a SPIFFE id has no claims";
      problems.push({ path: given, at: "value", what, remedy: `name one of the ${kind}s` });
    }
  }
  return problems;
}
