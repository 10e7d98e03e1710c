import { describe, expect, it } from "vitest";
import type { PrincipalName } from "../../../src/app/forms.js";
import type { Evidence } from "../../../src/app/identity-ports.js";
import { envoyIdentity } from "../../../src/identity/envoy.js";
import { apiKeyHashOf, apiKeyOf } from "../../support/api-keys.js";
import { policyOf } from "../policy/written.js";

const SEARCH_KEY = apiKeyOf("search");
const REPORT_KEY = apiKeyOf("report");
const OTHER_KEY = apiKeyOf("other");
const POLICY = policyOf(`version: 1
workspaces: { dev: { models: ["*"] }, ml: { models: ["*"] } }
roles: { junior: { models: ["*"] }, senior: { models: ["*"] } }
principals:
  search: { role: senior, workspace: ml, credentials: [{ api_key_sha256: "${apiKeyHashOf("search")}" }, { spiffe: spiffe://acme/search }] }
  report: { role: junior, workspace: dev, credentials: [{ api_key_sha256: "${apiKeyHashOf("report")}" }] }
trust:
  - { jwt: { issuer: i, audience: w, jwks: https://i/k }, principal: { claim: sub }, role: { claim: role }, workspace: dev }
  - { spiffe: "spiffe://acme/ns/*", role: junior, workspace: dev }
`);

const UNSAID: PrincipalName = { id: "", role: "", workspace: "" };
const word = (parts: Partial<PrincipalName>): PrincipalName => ({ ...UNSAID, ...parts });
const token = (sub: string, role = "junior") => ({ iss: "i", aud: "w", sub, role });
const ask = (evidence: Evidence, fixedId?: string) => envoyIdentity(fixedId).whoIs(POLICY, UNSAID, evidence);
const proved = (id: string, role = "", workspace = "") => ({ id, role, workspace, isProved: true });

const SEARCH = { spiffeId: "spiffe://acme/search" };

describe("who calls through Envoy", () => {
  it.each<[string, Evidence, object]>([
    ["a SPIFFE id", SEARCH, proved("search")],
    ["a token", { claims: token("ann") }, proved("ann", "junior", "dev")],
    ["an API key", { apiKey: REPORT_KEY }, proved("report")],
    ["the operator's word", { named: word({ id: "report" }) }, word({ id: "report" })],
    [
      "the operator's word for one that is not listed",
      { named: word({ id: "x", role: "junior", workspace: "dev" }) },
      word({ id: "x", role: "junior", workspace: "dev" }),
    ],
    ["several that mean the same", { ...SEARCH, apiKey: SEARCH_KEY }, proved("search")],
    [
      "a proof and the operator's word that agree",
      { ...SEARCH, named: { id: "search", role: "senior", workspace: "ml" } },
      proved("search"),
    ],
    [
      "a proof and a part of a word",
      { claims: token("ann"), named: word({ role: "junior" }) },
      proved("ann", "junior", "dev"),
    ],
    ["a SPIFFE id, beside a token for others", { ...SEARCH, claims: { iss: "j", sub: "ann" } }, proved("search")],
    ["parts that are empty, as if they were not there", { spiffeId: "", apiKey: SEARCH_KEY }, proved("search")],
  ])("is told by %s", (_, evidence, expected) => {
    expect(ask(evidence)).toEqual(expected);
  });

  it.each<[string, Evidence, string]>([
    ["a SPIFFE id and a key", { ...SEARCH, apiKey: REPORT_KEY }, "the API key means another than the SPIFFE id does"],
    ["a SPIFFE id and a token", { ...SEARCH, claims: token("ann") }, "the token means another than the SPIFFE id does"],
    [
      "a SPIFFE id and a token of another with a role that is unknown",
      { ...SEARCH, claims: token("ann", "boss") },
      "the token means another than the SPIFFE id does",
    ],
    [
      "a token and a key",
      { claims: token("ann"), apiKey: REPORT_KEY },
      "the API key means another than the token does",
    ],
    [
      "a key and the route's principal",
      { apiKey: REPORT_KEY, named: word({ id: "search" }) },
      "the route's windbreak.principal means another than the API key does",
    ],
    [
      "a key and the route's role",
      { apiKey: REPORT_KEY, named: word({ role: "senior" }) },
      "the route's windbreak.role means another than the API key does",
    ],
    [
      "a token and the route's workspace",
      { claims: token("ann"), named: word({ workspace: "ml" }) },
      "the route's windbreak.workspace means another than the token does",
    ],
    [
      "a listed principal of the route and another role of the route",
      { named: word({ id: "search", role: "junior" }) },
      "the route's windbreak.role means another than the route's windbreak.principal does",
    ],
  ])("is nobody where %s mean two", (_, evidence, message) => {
    expect(ask(evidence)).toEqual({
      kind: "fault",
      code: "permission_denied",
      why: "another",
      message: `${message}; send one, or let both mean the same`,
    });
  });

  it.each<[string, Evidence | undefined]>([
    ["nothing was gathered", undefined],
    ["all parts are empty", { spiffeId: "", apiKey: "", named: UNSAID }],
    ["the route names a role and a workspace only", { named: word({ role: "junior", workspace: "dev" }) }],
  ])("is not told where %s", (_, evidence) => {
    expect(envoyIdentity().whoIs(POLICY, UNSAID, evidence)).toMatchObject({
      kind: "fault",
      code: "unauthenticated",
      message: expect.stringContaining("authorization: Bearer wb_"),
    });
  });

  it.each<[string, Evidence]>([
    ["alone", { apiKey: OTHER_KEY }],
    ["cut short", { apiKey: SEARCH_KEY.slice(0, -1) }],
    ["beside a sound proof", { ...SEARCH, apiKey: OTHER_KEY }],
    ["beside the operator's word", { named: word({ id: "report" }), apiKey: OTHER_KEY }],
  ])("is not told by a key that is not the policy's, %s", (_, evidence) => {
    const answer = ask(evidence);
    expect(answer).toMatchObject({ kind: "fault", code: "unauthenticated" });
    expect(JSON.stringify(answer)).not.toContain(evidence.apiKey?.slice(12, 40));
  });

  it("is refused where what counts first is sound and means nobody, whatever comes after it", () => {
    expect(ask({ spiffeId: "spiffe://acme/a/b/c", apiKey: SEARCH_KEY })).toMatchObject({
      kind: "refused",
      refusal: { reason: "unknown_principal" },
    });
    expect(ask({ claims: token("ann", "boss") })).toMatchObject({
      kind: "refused",
      refusal: { reason: "unknown_role" },
    });
  });
});

describe("a fixed principal", () => {
  it.each<[string, Evidence]>([
    ["nothing", {}],
    ["its own credential", SEARCH],
    ["a token for others", { claims: { iss: "j" } }],
    ["the operator's word for its role", { named: word({ role: "senior" }) }],
  ])("is every caller who brings %s", (_, evidence) => {
    expect(ask(evidence, "search")).toEqual(word({ id: "search" }));
  });

  it.each<[string, Evidence, string]>([
    ["a key of another", { apiKey: REPORT_KEY }, "the API key"],
    ["a SPIFFE id that a rule makes another of", { spiffeId: "spiffe://acme/ns/x" }, "the SPIFFE id"],
    ["the operator's word for another", { named: word({ id: "report" }) }, "the route's windbreak.principal"],
    [
      "the operator's word for another workspace",
      { named: word({ workspace: "dev" }) },
      "the route's windbreak.workspace",
    ],
  ])("is not one who brings %s", (_, evidence, source) => {
    expect(ask(evidence, "search")).toEqual({
      kind: "fault",
      code: "permission_denied",
      why: "another",
      message: `${source} means another than --identity fixed:search does; send one, or let both mean the same`,
    });
  });

  it("lets nobody through where the policy does not list it", () => {
    expect(ask({}, "gone")).toMatchObject({ kind: "refused", refusal: { reason: "unknown_principal" } });
  });
});
