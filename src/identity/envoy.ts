import { distrusted, type Fault } from "../app/fault.js";
import type { PrincipalName } from "../app/forms.js";
import type { ApiKeyUsed, Claims, Evidence, Identity } from "../app/identity-ports.js";
import { type Refused, refused } from "../app/refused.js";
import type { Policy } from "../domain/policy.js";
import { wrongKey } from "./credential.js";
import { byApiKey, byClaims, bySpiffe, type Proof } from "./credentials.js";

/** One thing that says who a caller is, and whom it means. */
interface Finding {
  /** For a person: stands in the middle of a sentence. */
  readonly source: string;
  readonly who: PrincipalName | Refused;
}

const NOBODY: PrincipalName = { id: "", role: "", workspace: "" };

/**
 * Say who calls through Envoy, by what its door gathered: the first of SPIFFE id, token, API key and the operator's word.
 *
 * Whatever else is there must not mean another. A token or SPIFFE id that means nobody contradicts nothing, because
 * both are often there for others than us; a `wb_` key is for us alone, so that one which is not known is a wrong one.
 * The operator's word proves nothing: `unlisted_principals: deny` keeps out whom it alone names.
 *
 * @param fixedId the listed principal that every caller is; left out: by what was gathered.
 * @param used told of each API key that is somebody's.
 */
export function envoyIdentity(fixedId?: string, used?: ApiKeyUsed): Identity {
  return {
    whoIs(policy, _named, evidence = {}) {
      const { named: word = NOBODY } = evidence;
      const proofs = proofsIn(policy, evidence, used);
      const key = proofs.find(({ source }) => source === API_KEY)?.who;
      if (key && "kind" in key) return wrongKey(evidence.apiKey ?? "", key);
      const first = fixedId === undefined ? (proofs[0] ?? wordAlone(word)) : fixed(policy, fixedId);
      if (!first) return NO_CREDENTIAL;
      if ("kind" in first.who) return first.who;

      const who = inFull(policy, first.who);
      const other = proofs.find((proof) => meansAnother(policy, who, proof.who));
      if (other) return disagree(first.source, other.source);
      const part = PARTS.find((key) => word[key] !== "" && word[key] !== who[key]);
      return part ? disagree(first.source, WORDS[part]) : first.who;
    },
  };
}

const API_KEY = "the API key";
const PARTS = ["id", "role", "workspace"] as const;

/** How the operator names each part, in the `context_extensions` of a route. */
const WORDS = {
  id: "the route's windbreak.principal",
  role: "the route's windbreak.role",
  workspace: "the route's windbreak.workspace",
} as const;

const NO_CREDENTIAL = distrusted(
  "unauthenticated",
  "missing",
  "nothing says who calls: send authorization: Bearer wb_…, or a client certificate or token that Envoy verifies, or name windbreak.principal for the route",
);

/** In the order in which they count. */
function proofsIn(
  policy: Policy,
  { spiffeId, claims, otherClaims = [], apiKey }: Evidence,
  used?: ApiKeyUsed,
): readonly Finding[] {
  const found: Finding[] = [];
  if (spiffeId) found.push({ source: "the SPIFFE id", who: whoOf(bySpiffe(policy, spiffeId)) });
  if (claims) found.push(...tokensIn(policy, [claims, ...otherClaims]));
  if (apiKey) found.push({ source: API_KEY, who: whoOf(byApiKey(policy, apiKey, used)) });
  return found;
}

/** Those that mean somebody come first, because the order in which Envoy tells of tokens changes from call to call. */
function tokensIn(policy: Policy, tokens: readonly Claims[]): readonly Finding[] {
  const found = tokens.map((claims) => ({ source: "the token", who: whoOf(byClaims(policy, claims)) }));
  return [...found.filter(({ who }) => !("kind" in who)), ...found.filter(({ who }) => "kind" in who)];
}

function whoOf(proof: Proof): Finding["who"] {
  return proof.kind === "proved" ? proof.name : proof;
}

/** Parts without a principal are nobody's. */
function wordAlone(word: PrincipalName): Finding | undefined {
  return word.id === "" ? undefined : { source: WORDS.id, who: word };
}

/** A policy without this principal never comes into force (see faultInFixed); should it, nobody is let through. */
function fixed(policy: Policy, id: string): Finding {
  const unlisted = () => refused("unknown_principal", `principal ${id} is not in the policy, and is every caller here`);
  const who: Finding["who"] = policy.principals.has(id) ? { id, role: "", workspace: "" } : unlisted();
  return { source: `--identity fixed:${id}`, who };
}

/** With the role and workspace that the policy says of a listed principal. */
function inFull(policy: Policy, who: PrincipalName): PrincipalName {
  const listed = policy.principals.get(who.id);
  return listed ? { id: who.id, role: listed.role, workspace: listed.workspace } : who;
}

function meansAnother(policy: Policy, who: PrincipalName, other: Finding["who"]): boolean {
  if ("kind" in other) return other.principal !== undefined && other.principal !== who.id;
  const its = inFull(policy, other);
  return PARTS.some((part) => its[part] !== who[part]);
}

function disagree(first: string, second: string): Fault {
  const other = first === second ? second.replace("the ", "another ") : second;
  return distrusted(
    "permission_denied",
    "another",
    `${other} means another than ${first} does; send one, or let both mean the same`,
  );
}
