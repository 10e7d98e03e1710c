import { describe, expect, test } from "vitest";
import { policyOf } from "./written.js";

const BASE =
  'version: 1\nworkspaces: { dev: { models: ["*"] } }\nroles: { r: { models: ["*"] }, s: { models: ["*"] } }\n';
const HASH = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08";

describe("credentials", () => {
  test("are found by the hash of a key, by SPIFFE id, and by issuer, claim and value", () => {
    const { credentials } = policyOf(`${BASE}principals:
  a:
    role: r
    workspace: dev
    credentials:
      - api_key_sha256: "${HASH}"
      - spiffe: spiffe://acme/a
      - jwt: { issuer: https://i, audience: w, claims: { sub: a, env: prod }, jwks: https://i/k }
  b: { role: r, workspace: dev, credentials: [{ jwt: { issuer: https://i, audience: w, claims: { sub: b }, jwks: https://i/k } }] }
`);
    const token = { issuer: "https://i", audience: "w" };
    expect(credentials).toEqual({
      holders: new Set(["a", "b"]),
      byApiKeyHash: new Map([[HASH.toLowerCase(), "a"]]),
      bySpiffeId: new Map([["spiffe://acme/a", "a"]]),
      tokens: new Map([
        [
          "https://i",
          new Map([
            [
              "sub",
              new Map([
                [
                  "a",
                  [
                    {
                      ...token,
                      principal: "a",
                      claims: new Map([
                        ["sub", "a"],
                        ["env", "prod"],
                      ]),
                      place: 0,
                    },
                  ],
                ],
                ["b", [{ ...token, principal: "b", claims: new Map([["sub", "b"]]), place: 1 }]],
              ]),
            ],
          ]),
        ],
      ]),
    });
  });

  test("keep the audiences of each issuer, and where its keys are, each place once", () => {
    const { issuers } = policyOf(`${BASE}principals:
  a: { role: r, workspace: dev, credentials: [{ jwt: { issuer: i, audience: w, claims: { sub: a } } }] }
  b: { role: r, workspace: dev, credentials: [{ jwt: { issuer: i, audience: w, claims: { sub: b }, jwks: https://other/k } }] }
  c: { role: r, workspace: dev, credentials: [{ jwt: { issuer: j, audience: w, claims: { sub: c }, jwks: { file: /etc/j } } }] }
trust:
  - { jwt: { issuer: i, audience: w, jwks: https://i/k }, principal: { claim: sub }, role: r, workspace: dev }
  - { jwt: { issuer: i, audience: x, jwks: https://i/k }, principal: { claim: sub }, role: r, workspace: dev }
`);
    const url = (at: string) => ({ kind: "url", at });
    expect(issuers).toEqual(
      new Map([
        ["i", { audiences: new Set(["w", "x"]), keys: [url("https://i/k"), url("https://other/k")] }],
        ["j", { audiences: new Set(["w"]), keys: [{ kind: "file", at: "/etc/j" }] }],
      ]),
    );
  });
});

describe("trust rules", () => {
  test("stand in the order of the file, with what they take from claims", () => {
    const { trust } = policyOf(`${BASE}trust:
  - { jwt: { issuer: i, audience: w, jwks: https://i/k }, principal: { claim: sub }, role: { claim: groups, map: { x: s } }, workspace: dev }
  - { spiffe: spiffe://acme.example/ns/*/sa/*, role: r, workspace: dev }
`);
    expect(trust).toEqual([
      {
        kind: "token",
        issuer: "i",
        audience: "w",
        principal: { claim: "sub", map: undefined },
        role: { claim: "groups", map: new Map([["x", "s"]]) },
        workspace: "dev",
      },
      { kind: "spiffe", pattern: expect.any(RegExp), role: "r", workspace: "dev" },
    ]);
  });

  test("keep the order of their maps, in which whole numbers are keys like any other", () => {
    const { trust } = policyOf(`${BASE}trust:
  - jwt: { issuer: i, audience: w, jwks: https://i/k }
    principal: { claim: sub, map: { "20": a, x: b, "3": c } }
    role: { claim: groups, map: { late: r, "7": s, "1": r } }
    workspace: { claim: team, map: { "2": dev, "1": dev } }
`);
    const orders = trust.map((rule) =>
      [rule.kind === "token" && rule.principal, rule.role, rule.workspace].map((said) =>
        typeof said === "object" ? [...(said.map?.keys() ?? [])] : said,
      ),
    );
    expect(orders).toEqual([
      [
        ["20", "x", "3"],
        ["late", "7", "1"],
        ["2", "1"],
      ],
    ]);
  });

  test.each([
    ["spiffe://acme.example/ns/a/sa/b", true],
    ["spiffe://acme.example/ns/a-1_x.y/sa/B", true],
    ["spiffe://acme.example/ns/a/b/sa/c", false],
    ["spiffe://acme.example/ns//sa/b", false],
    ["spiffe://acme.example/ns/a/sa/", false],
    ["spiffe://acme.example/ns/a/sa/b/", false],
    ["spiffe://acme.example/ns/a/sa/b\n", false],
    ["spiffe://acme.example/ns/a b/sa/c", false],
    ["spiffe://acmeXexample/ns/a/sa/b", false],
    ["xspiffe://acme.example/ns/a/sa/b", false],
  ])("of which a star is one whole segment: %j matches: %s", (id, matches) => {
    const { trust } = policyOf(
      `${BASE}trust: [{ spiffe: "spiffe://acme.example/ns/*/sa/*", role: r, workspace: dev }]\n`,
    );
    expect(trust.map((rule) => rule.kind === "spiffe" && rule.pattern.test(id))).toEqual([matches]);
  });
});
