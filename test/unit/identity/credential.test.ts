import { describe, expect, it } from "vitest";
import type { PrincipalName } from "../../../src/app/forms.js";
import type { Evidence } from "../../../src/app/identity-ports.js";
import { credentialIdentity, faultInCredential, spiffeInVain } from "../../../src/identity/credential.js";
import { apiKeyHashOf, apiKeyOf } from "../../support/api-keys.js";
import { FakeClock } from "../../support/fake-clock.js";
import { policyOf } from "../policy/written.js";

const SEARCH_KEY = apiKeyOf("search");
const REPORT_KEY = apiKeyOf("report");
const OTHER_KEY = apiKeyOf("other");
const BASE = `version: 1
workspaces: { dev: { models: ["*"] }, ml: { models: ["*"] } }
roles: { junior: { models: ["*"] }, senior: { models: ["*"] } }
`;
const POLICY = policyOf(`${BASE}principals:
  search: { role: senior, workspace: ml, credentials: [{ api_key_sha256: "${apiKeyHashOf("search")}" }, { spiffe: spiffe://acme/search }] }
  report: { role: junior, workspace: dev, credentials: [{ api_key_sha256: "${apiKeyHashOf("report")}" }] }
  bare: { role: junior, workspace: dev }
trust:
  - { jwt: { issuer: i, audience: w, jwks: https://i/k }, principal: { claim: sub }, role: { claim: role }, workspace: dev }
  - { spiffe: "spiffe://acme/ns/*", role: junior, workspace: dev }
`);

const UNSAID: PrincipalName = { id: "", role: "", workspace: "" };
const named = (parts: Partial<PrincipalName>): PrincipalName => ({ ...UNSAID, ...parts });
const token = (sub: string, role = "junior") => ({ iss: "i", aud: "w", sub, role });
const clock = new FakeClock("2026-03-10T12:00:00Z");
const ask = (evidence: Evidence | undefined, name = UNSAID) => credentialIdentity(clock).whoIs(POLICY, name, evidence);
const proved = (id: string, role = "", workspace = "") => ({ id, role, workspace, isProved: true });
const denied = (message: string) => ({ kind: "fault", code: "permission_denied", why: "another", message });

describe("a caller that must prove who it is", () => {
  it.each<[string, Evidence, PrincipalName, object]>([
    ["an API key", { apiKey: SEARCH_KEY }, UNSAID, proved("search")],
    ["a SPIFFE id", { spiffeId: "spiffe://acme/search" }, UNSAID, proved("search")],
    [
      "a SPIFFE id by a rule",
      { spiffeId: "spiffe://acme/ns/x" },
      UNSAID,
      proved("spiffe://acme/ns/x", "junior", "dev"),
    ],
    ["a token", { claims: token("ann") }, UNSAID, proved("ann", "junior", "dev")],
    ["a token that names a listed principal", { claims: token("bare", "boss") }, UNSAID, proved("bare")],
    ["two that mean the same", { apiKey: SEARCH_KEY, spiffeId: "spiffe://acme/search" }, UNSAID, proved("search")],
    ["a key, beside a SPIFFE id of nobody", { apiKey: REPORT_KEY, spiffeId: "spiffe://x/y" }, UNSAID, proved("report")],
    [
      "a SPIFFE id, beside a token of nobody",
      { spiffeId: "spiffe://acme/search", claims: { iss: "j" } },
      UNSAID,
      proved("search"),
    ],
    [
      "a key, where the message says the same",
      { apiKey: SEARCH_KEY },
      { id: "search", role: "senior", workspace: "ml" },
      proved("search"),
    ],
    [
      "a token, where the message says a part of it",
      { claims: token("ann") },
      named({ role: "junior" }),
      proved("ann", "junior", "dev"),
    ],
  ])("does so by %s", (_, evidence, name, expected) => {
    expect(ask(evidence, name)).toEqual(expected);
  });

  it.each([[undefined], [{}]])("is told what to send where it shows nothing (%j)", (evidence) => {
    for (const name of [UNSAID, named({ id: "search" })]) {
      expect(ask(evidence, name)).toMatchObject({
        code: "unauthenticated",
        message: expect.stringMatching(
          /send authorization: Bearer wb_… \(an API key\) or a token .* client certificate/,
        ),
      });
    }
  });

  it.each<[string, Evidence, string]>([
    ["is not known", { apiKey: OTHER_KEY }, `the API key ${OTHER_KEY.slice(3, 11)} is not one of the policy's`],
    ["is cut short", { apiKey: SEARCH_KEY.slice(0, -1) }, "the API key is cut short: a key has 61 characters"],
    [
      "is mistyped",
      { apiKey: `${SEARCH_KEY.slice(0, -1)}!` },
      "the API key is none: a key has 61 characters, letters and digits after wb_",
    ],
    ["is wrong beside a sound proof", { apiKey: OTHER_KEY, spiffeId: "spiffe://acme/search" }, "the API key "],
  ])("is nobody by a key that %s", (_, evidence, message) => {
    const answer = ask(evidence);
    expect(answer).toMatchObject({ code: "unauthenticated", message: expect.stringContaining(message) });
    expect(JSON.stringify(answer)).not.toContain(evidence.apiKey?.slice(12, 40));
  });

  it.each<[string, Evidence, object]>([
    ["a SPIFFE id", { spiffeId: "spiffe://x/y" }, { refusal: { reason: "unknown_principal" } }],
    ["a token without a name", { claims: { iss: "i", aud: "w" } }, { refusal: { reason: "unknown_principal" } }],
    [
      "a token with a strange role",
      { claims: token("ann", "boss") },
      { refusal: { reason: "unknown_role" }, principal: "ann" },
    ],
    [
      "a token that names who lists another proof",
      { claims: token("report") },
      { refusal: { reason: "unknown_principal", message: expect.stringContaining("lists credentials of its own") } },
    ],
  ])("is refused by rule where %s is sound and means nobody", (_, evidence, expected) => {
    expect(ask(evidence)).toMatchObject({ kind: "refused", ...expected });
  });

  it.each<[string, Evidence, string, string]>([
    ["a key and a SPIFFE id", { apiKey: REPORT_KEY, spiffeId: "spiffe://acme/search" }, "the SPIFFE id", "the API key"],
    [
      "a token and a SPIFFE id",
      { claims: token("ann"), spiffeId: "spiffe://acme/search" },
      "the SPIFFE id",
      "the token",
    ],
    [
      "a SPIFFE id and a token of another with a strange role",
      { claims: token("ann", "boss"), spiffeId: "spiffe://acme/search" },
      "the token",
      "the SPIFFE id",
    ],
  ])("is nobody where %s mean two", (_, evidence, second, first) => {
    expect(ask(evidence)).toEqual(
      denied(`${second} means another than ${first} does; send one, or let both mean the same`),
    );
  });

  it.each<[string, Evidence, PrincipalName, string]>([
    ["principal", { apiKey: SEARCH_KEY }, named({ id: "report" }), "principal.id: report"],
    ["unlisted principal", { apiKey: SEARCH_KEY }, named({ id: "eve" }), "principal.id: eve"],
    ["role", { apiKey: SEARCH_KEY }, named({ id: "search", role: "junior" }), "principal.role: junior"],
    ["workspace", { apiKey: SEARCH_KEY }, named({ workspace: "dev" }), "principal.workspace: dev"],
    ["role than its token's", { claims: token("ann") }, named({ role: "senior" }), "principal.role: senior"],
    ["workspace than its rule's", { claims: token("ann") }, named({ workspace: "ml" }), "principal.workspace: ml"],
    [
      "principal, with a token of a strange role",
      { claims: token("ann", "boss") },
      named({ id: "bob" }),
      "principal.id: bob",
    ],
  ])("may not claim another %s", (_, evidence, name, claim) => {
    const who = evidence.apiKey ? "search" : "ann";
    expect(ask(evidence, name)).toEqual(
      denied(`${claim} is not what the credential proves of ${who}; leave it empty or name what it proves`),
    );
  });

  it("hears of a name that is none before anything else", () => {
    expect(ask({ apiKey: SEARCH_KEY }, named({ role: "a b" }))).toMatchObject({ code: "invalid_argument" });
  });

  it("is nobody any more once its token has expired", () => {
    const evidence = { claims: token("ann"), expiresAt: clock.now() + 1 };
    expect(ask(evidence)).toEqual(proved("ann", "junior", "dev"));
    expect(ask({ ...evidence, expiresAt: clock.now() })).toMatchObject({
      code: "unauthenticated",
      message: expect.stringContaining("the token has expired"),
    });
  });
});

describe("a policy by which callers are to prove who they are", () => {
  it("is at fault where nobody could", () => {
    expect(faultInCredential(policyOf(`${BASE}principals: { bare: { role: junior, workspace: dev } }`), true)).toMatch(
      /^principals: none lists credentials, and there is no trust rule/,
    );
  });

  it.each([
    `principals: { a: { role: junior, workspace: dev, credentials: [{ spiffe: spiffe://a/b }] } }`,
    `trust: [{ spiffe: "spiffe://a/*", role: junior, workspace: dev }]`,
  ])("is sound with %s", (rules) => {
    expect(faultInCredential(policyOf(BASE + rules), true)).toBeUndefined();
  });

  it.each([
    [
      `principals: { a: { role: junior, workspace: dev, credentials: [{ spiffe: spiffe://a/b }] } }`,
      "principals.a.credentials",
    ],
    [`trust: [{ spiffe: "spiffe://a/*", role: junior, workspace: dev }]`, "trust[0]"],
  ])("is at fault with %s alone where nobody can show a certificate", (rules, where) => {
    const policy = policyOf(BASE + rules);
    const inVain = `${where}: a SPIFFE id that nobody can ever prove, because no caller is asked for a certificate; give --tls-cert, --tls-key and --tls-client-ca`;
    expect(spiffeInVain(policy)).toBe(inVain);
    expect(faultInCredential(policy, false)).toBe(`${inVain}, or add other credentials: nobody could call`);
  });

  it("is sound with a SPIFFE id that nobody can prove beside what somebody can", () => {
    const rules = `principals:
  a: { role: junior, workspace: dev, credentials: [{ spiffe: spiffe://a/b }] }
  b: { role: junior, workspace: dev, credentials: [{ api_key_sha256: "${apiKeyHashOf("b")}" }] }
`;
    expect(faultInCredential(policyOf(BASE + rules), false)).toBeUndefined();
    expect(spiffeInVain(policyOf(BASE))).toBeUndefined();
  });
});
