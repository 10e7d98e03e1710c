import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byApiKey, byClaims, bySpiffe, type Proof } from "../../../src/identity/credentials.js";
import { apiKeyHashOf, apiKeyOf } from "../../support/api-keys.js";
import { policyOf } from "../policy/written.js";

const KEY = apiKeyOf("search");
const ISSUER = "https://idp.example";
const JWKS = `jwks: ${ISSUER}/k`;

const POLICY = policyOf(`version: 1
workspaces: { dev: { models: ["*"] }, ml: { models: ["*"] } }
roles: { junior: { models: ["*"] }, senior: { models: ["*"] } }
principals:
  search:
    role: senior
    workspace: ml
    credentials:
      - api_key_sha256: "${apiKeyHashOf("search")}"
      - spiffe: spiffe://acme/ns/search/sa/default
      - jwt: { issuer: ${ISSUER}, audience: windbreak, claims: { sub: search, env: prod } }
  staging: { role: junior, workspace: dev, credentials: [{ jwt: { issuer: ${ISSUER}, audience: windbreak, claims: { env: staging } } }] }
  by-sub: { role: junior, workspace: dev, credentials: [{ jwt: { issuer: ${ISSUER}, audience: windbreak, claims: { sub: both } } }] }
  bare: { role: junior, workspace: dev }
  spiffe://acme/listed: { role: senior, workspace: ml }
  spiffe://acme/keyed: { role: senior, workspace: ml, credentials: [{ api_key_sha256: "${"0".repeat(64)}" }] }
trust:
  - jwt: { issuer: ${ISSUER}, audience: windbreak, ${JWKS} }
    principal: { claim: sub }
    role: { claim: groups, map: { leads: senior, "7": junior, staff: junior } }
    workspace: { claim: team, map: { ml-team: ml } }
  - jwt: { issuer: ${ISSUER}, audience: windbreak, ${JWKS} }
    principal: { claim: sub }
    role: senior
    workspace: ml
  - jwt: { issuer: ${ISSUER}, audience: plain, ${JWKS} }
    principal: { claim: email, map: { a@b: ann } }
    role: { claim: role }
    workspace: { claim: space }
  - jwt: { issuer: ${ISSUER}, audience: fixed, ${JWKS} }
    principal: { claim: uid }
    role: junior
    workspace: dev
  - { spiffe: "spiffe://acme/ns/*/sa/batch", role: senior, workspace: ml }
  - { spiffe: "spiffe://acme/ns/*/sa/*", role: junior, workspace: dev }
  - { spiffe: "spiffe://acme/*", role: junior, workspace: dev }
`);

const token = (claims: object) => byClaims(POLICY, { iss: ISSUER, aud: "windbreak", ...claims });
const proved = (id: string, role = "", workspace = "") => ({
  kind: "proved",
  name: { id, role, workspace, isProved: true },
  by: expect.any(String),
});
const reasonOf = (proof: Proof) => (proof.kind === "refused" ? proof.refusal.reason : proof);
const messageOf = (proof: Proof) => (proof.kind === "refused" ? proof.refusal.message : proof);

describe("an API key", () => {
  it("means the principal that lists its hash", () => {
    expect(byApiKey(POLICY, KEY)).toEqual(proved("search"));
  });

  it.each([apiKeyOf("another"), `${KEY} `, "", "wb_", "test", KEY.slice(3), KEY.slice(0, -1)])(
    "means nobody where it is %j",
    (key) => {
      expect(reasonOf(byApiKey(POLICY, key))).toBe("unknown_principal");
    },
  );

  it("is no key without its prefix, though its hash were listed", () => {
    const hash = createHash("sha256").update("test").digest("hex");
    const policy = { ...POLICY, credentials: { ...POLICY.credentials, byApiKeyHash: new Map([[hash, "search"]]) } };
    expect(reasonOf(byApiKey(policy, "test"))).toBe("unknown_principal");
  });

  it("that is not whole is told from one that is not known, and no part of its secret is shown", () => {
    expect(messageOf(byApiKey(POLICY, KEY.slice(0, 20)))).toBe("the API key is cut short: a key has 61 characters");
    const another = apiKeyOf("another");
    expect(messageOf(byApiKey(POLICY, another))).toBe(`the API key ${another.slice(3, 11)} is not one of the policy's`);
  });
});

it("what in the policy says who a caller is has its path there", () => {
  const byOf = (proof: Proof) => (proof.kind === "proved" ? proof.by : proof);
  expect(byOf(byApiKey(POLICY, KEY))).toBe("principals.search.credentials");
  expect(byOf(bySpiffe(POLICY, "spiffe://acme/ns/search/sa/default"))).toBe("principals.search.credentials");
  expect(byOf(token({ sub: "search", env: "prod" }))).toBe("principals.search.credentials");
  expect(byOf(token({ sub: "ann", groups: ["staff"], team: "ml-team" }))).toBe("trust[0]");
  expect(byOf(bySpiffe(POLICY, "spiffe://acme/ns/x/sa/y"))).toBe("trust[5]");
});

describe("a SPIFFE id", () => {
  it.each([
    ["spiffe://acme/ns/search/sa/default", proved("search")],
    ["spiffe://acme/ns/x/sa/batch", proved("spiffe://acme/ns/x/sa/batch", "senior", "ml")],
    ["spiffe://acme/ns/x/sa/y", proved("spiffe://acme/ns/x/sa/y", "junior", "dev")],
    ["spiffe://acme/listed", proved("spiffe://acme/listed")],
  ])("%s means whom a principal or the first rule that matches says", (id, expected) => {
    expect(bySpiffe(POLICY, id)).toEqual(expected);
  });

  it("means no principal of its name that asks for another proof", () => {
    expect(messageOf(bySpiffe(POLICY, "spiffe://acme/keyed"))).toContain("lists credentials of its own");
  });

  it.each(["spiffe://other/ns/x/sa/y", "spiffe://acme/a/b", "", `spiffe://acme/${"a".repeat(128)}`])(
    "%s means nobody",
    (id) => {
      expect(reasonOf(bySpiffe(POLICY, id))).toBe("unknown_principal");
    },
  );
});

describe("a token that fits a listed principal", () => {
  it.each([
    [{ sub: "search", env: "prod" }, "search"],
    [{ sub: "search", env: ["dev", "prod"], aud: ["x", "windbreak"] }, "search"],
    [{ sub: "both", env: "staging" }, "staging"],
    [{ env: "staging" }, "staging"],
  ])("%j means that one, the first in the file", (claims, id) => {
    expect(token(claims)).toEqual(proved(id));
  });

  it.each([
    { sub: "search", env: "dev" },
    { sub: "search" },
    { sub: "search", env: "prod", iss: "https://other" },
    { sub: "search", env: "prod", aud: "another" },
    { sub: "search", env: { prod: true } },
    { sub: ["a", "b"], env: "prod" },
  ])("does not fit with %j, and no trust rule makes it fit", (claims) => {
    expect(reasonOf(token(claims))).toBe("unknown_principal");
  });
});

describe("a token that no listed principal is told by", () => {
  it("is mapped by the first rule for its issuer and audience, and by no later one", () => {
    expect(token({ sub: "ann", groups: ["staff"], team: "ml-team" })).toEqual(proved("ann", "junior", "ml"));
    expect(token({ sub: "ann" })).toMatchObject({ refusal: { reason: "unknown_role" } });
  });

  it("has of a list the first entry of the map, not of the token", () => {
    const claims = { sub: "ann", team: "ml-team" };
    expect(token({ ...claims, groups: ["staff", "leads"] })).toEqual(proved("ann", "senior", "ml"));
    expect(token({ ...claims, groups: ["staff", 7] })).toEqual(proved("ann", "junior", "ml"));
  });

  it("has without a map the claim's own value", () => {
    const plain = { iss: ISSUER, aud: "plain", email: "a@b" };
    expect(byClaims(POLICY, { ...plain, role: "senior", space: "dev" })).toEqual(proved("ann", "senior", "dev"));
    expect(byClaims(POLICY, { ...plain, role: ["senior"], space: "dev" })).toEqual(proved("ann", "senior", "dev"));
    expect(byClaims(POLICY, { iss: ISSUER, aud: "fixed", uid: 1001 })).toEqual(proved("1001", "junior", "dev"));
  });

  it("has the role and workspace of the policy where its principal is listed, without credentials of its own", () => {
    expect(token({ sub: "bare" })).toEqual(proved("bare"));
  });

  it.each([
    [{ groups: ["staff"], team: "ml-team" }, "unknown_principal", "trust[0]: the token has no text in its claim sub"],
    [{ sub: "a b" }, "unknown_principal", "trust[0]: the claim sub is no id: "],
    [{ sub: "" }, "unknown_principal", "trust[0]: the claim sub is no id: "],
    [{ sub: ["a", "b"] }, "unknown_principal", "trust[0]: the claim sub is a list, and no map says"],
    [{ sub: { id: "a" } }, "unknown_principal", "trust[0]: the token has no text in its claim sub"],
    [{ sub: "ann", team: "ml-team" }, "unknown_role", "trust[0]: the token has no text in its claim groups"],
    [{ sub: "ann", groups: ["x"] }, "unknown_role", "trust[0]: the map of the claim groups has nothing"],
    [
      { sub: "ann", groups: ["staff"], team: "x" },
      "unknown_workspace",
      "trust[0]: the map of the claim team has nothing",
    ],
    [{ aud: "plain", email: "x" }, "unknown_principal", "trust[2]: the map of the claim email has nothing"],
    [{ aud: "plain", email: "a@b", role: "boss" }, "unknown_role", "trust[2]: the claim role names no role"],
    [{ aud: "plain", email: "a@b", role: "a b" }, "unknown_role", "trust[2]: the claim role names no role"],
    [
      { aud: "plain", email: "a@b", role: "senior", space: "x" },
      "unknown_workspace",
      "trust[2]: the claim space names no",
    ],
    [
      { aud: [], sub: "ann" },
      "unknown_principal",
      "no principal is told by the token's claims, and no trust rule is for",
    ],
    [{ iss: undefined, sub: "ann" }, "unknown_principal", "no principal is told by"],
  ])("%j is %s", (claims, reason, message) => {
    const proof = token(claims);
    expect(reasonOf(proof)).toBe(reason);
    expect(messageOf(proof)).toContain(message);
  });

  it("says who it is where only role or workspace are not mapped", () => {
    expect(token({ sub: "ann" })).toMatchObject({ kind: "refused", principal: "ann" });
    expect(token({})).not.toHaveProperty("principal");
  });
});

it("no claims, whatever they hold, are mistaken for a principal, role or workspace that the policy does not know", () => {
  const name = fc.constantFrom("iss", "aud", "sub", "groups", "team", "email", "role", "space", "env", "__proto__");
  const value = fc.oneof(
    fc.constantFrom<unknown>(
      ISSUER,
      "windbreak",
      "plain",
      "search",
      "leads",
      "ml-team",
      "a@b",
      "senior",
      "dev",
      "toString",
    ),
    fc.anything({ maxDepth: 1 }),
    fc.array(fc.constantFrom<unknown>("windbreak", "plain", "fixed", "leads", "staff", "constructor", 7)),
  );
  fc.assert(
    fc.property(fc.dictionary(name, value), (claims) => {
      const proof = byClaims(POLICY, { iss: ISSUER, ...claims });
      const said = proof.kind === "proved" ? proof.name : undefined;
      const listed = said && POLICY.principals.get(said.id);
      if (!said) expect(reasonOf(proof)).toMatch(/^unknown_/);
      else if (listed) expect([said.role, said.workspace]).toEqual(["", ""]);
      else expect([POLICY.roles.has(said.role), POLICY.workspaces.has(said.workspace)]).toEqual([true, true]);
    }),
    { numRuns: 2_000 },
  );
});
