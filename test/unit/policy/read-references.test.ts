import { describe, expect, test } from "vitest";
import { faultLines, policyOf } from "./written.js";

const HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const BASE = 'version: 1\nworkspaces: { dev: { models: ["*"] } }\nroles: { analyst: { models: ["*"] } }\n';

describe("names that nothing has", () => {
  test.each<[string, readonly string[]]>([
    [
      "principals: { a: { role: analist, workspace: devv } }",
      [
        'p:4:26: principals.a.role: unknown role "analist"; did you mean analyst?',
        'p:4:46: principals.a.workspace: unknown workspace "devv"; did you mean dev?',
      ],
    ],
    [
      "principals: { a: { role: nurse, workspace: dev, models: [mistral-smal-latest, gpt-4o] } }",
      [
        'p:4:26: principals.a.role: unknown role "nurse"; define it under roles',
        'p:4:58: principals.a.models[0]: unknown model "mistral-smal-latest"; did you mean mistral-small-latest?',
        'p:4:79: principals.a.models[1]: unknown model "gpt-4o"; add it under models, or name one of the catalogue',
      ],
    ],
    [
      'principals: { a: { role: analyst, workspace: dev, models: ["codestrall-*", "*nothing-of-this-kind*"] } }',
      [
        'p:4:60: principals.a.models[0]: no model matches "codestrall-*"; did you mean codestral-2501?',
        'p:4:76: principals.a.models[1]: no model matches "*nothing-of-this-kind*"; add it under models, or name one of the catalogue',
      ],
    ],
  ])("%s", (line, lines) => {
    expect(faultLines(`${BASE}${line}\n`)).toEqual(lines);
  });

  test("a role that is itself at fault is no unknown role", () => {
    expect(
      faultLines("version: 1\nroles: { a: { model: [] } }\nprincipals: { p: { role: a, workspace: w } }\n").map(
        (line) => line.slice(0, 40),
      ),
    ).toEqual([
      "p:2:10: roles.a.models: missing; add mod",
      "p:2:15: roles.a.model: unknown key; did ",
      "p:3:40: principals.p.workspace: unknown ",
    ]);
  });

  test("a fine-tuned model of the file is known by its id, its aliases and patterns", () => {
    const policy = policyOf(
      `${BASE}models: { "ft:a:1": { like: mistral-small-latest, aliases: [ours] } }\nprincipals: { a: { role: analyst, workspace: dev, models: [ours, "ft:*"] } }\n`,
    );
    expect(policy.principals.get("a")?.models).toEqual(new Set(["ft:a:1"]));
  });
});

describe("credentials", () => {
  const credentials = (list: string) =>
    faultLines(`${BASE}principals: { a: { role: analyst, workspace: dev, credentials: ${list} } }\n`);

  test.each<[string, readonly string[]]>([
    [
      "[{ api_key_sha256: 9f86d0… }]",
      [
        "p:4:83: principals.a.credentials[0].api_key_sha256: a text that is not shown is not the SHA-256 of an API key: 64 hexadecimal digits; copy the whole hash, quoted",
      ],
    ],
    ["[{}]", ["p:4:65: principals.a.credentials[0]: an empty map; write one of api_key_sha256, spiffe, jwt"]],
    [
      `[{ api_key_sha256: "${HASH}", spiffe: "spiffe://acme/a" }]`,
      [
        "p:4:151: principals.a.credentials[0].spiffe: api_key_sha256 and spiffe in one; write each credential as an item of its own",
      ],
    ],
    [
      "[{ spiffe: spiffe://acme/* }]",
      [
        'p:4:75: principals.a.credentials[0].spiffe: "spiffe://acme/*" is not a SPIFFE id; write spiffe://trust-domain/path; patterns belong under trust',
      ],
    ],
    [
      "[{ jwt: { issuer: https://a, audience: w, claims: { sub: x } } }]",
      [
        'p:4:67: principals.a.credentials[0].jwt: no keys for the issuer "https://a"; add jwks here, or a trust rule with this issuer',
      ],
    ],
    [
      "[{ jwt: { issuer: https://a, audience: w, claims: {}, jwks: https://a/k } }]",
      [
        "p:4:114: principals.a.credentials[0].jwt.claims: no claim; add one: without any, every token of the issuer would prove this caller",
      ],
    ],
    [
      "[{ jwt: { issuer: https://a, audience: w, claims: { sub: x }, jwks: http://keys.example/k } }]",
      [
        "p:4:132: principals.a.credentials[0].jwt.jwks: a text that is not shown is not an https URL; write an https URL, without a password",
      ],
    ],
  ])("%s", (list, lines) => {
    expect(credentials(list)).toEqual(lines);
  });

  test("a token's issuer has the keys of the trust rule that names it", () => {
    const content = `${BASE}principals: { a: { role: analyst, workspace: dev, credentials: [{ jwt: { issuer: https://a, audience: w, claims: { sub: x } } }] } }
trust: [{ jwt: { issuer: https://a, audience: w, jwks: https://a/k }, principal: { claim: sub }, role: analyst, workspace: dev }]
`;
    expect(faultLines(content)).toEqual([]);
  });

  test("two principals cannot have one credential, one principal may repeat its own", () => {
    const content = `${BASE}principals:
  a: { role: analyst, workspace: dev, credentials: [{ api_key_sha256: "${HASH}" }, { api_key_sha256: "${HASH}" }] }
  b: { role: analyst, workspace: dev, credentials: [{ api_key_sha256: "${HASH.toUpperCase()}" }] }
`;
    expect(faultLines(content)).toEqual([
      'p:6:71: principals.b.credentials[0].api_key_sha256: principal "a" has the same credential; give each principal its own',
    ]);
  });
});

test("two principals cannot be told by the same claims, in whatever order they stand", () => {
  const token = (claims: string) =>
    `[{ jwt: { issuer: https://a, audience: w, claims: ${claims}, jwks: https://a/k } }]`;
  const content = `${BASE}principals:
  a: { role: analyst, workspace: dev, credentials: ${token("{ sub: x, env: prod }")} }
  b: { role: analyst, workspace: dev, credentials: ${token("{ env: prod, sub: x }")} }
  c: { role: analyst, workspace: dev, credentials: ${token("{ sub: x }")} }
`;
  expect(faultLines(content)).toEqual([
    'p:6:60: principals.b.credentials[0].jwt: principal "a" has the same credential; give each principal its own',
  ]);
});

describe("trust", () => {
  test.each<[string, readonly string[]]>([
    [
      "{ jwt: { issuer: i, audience: a, jwks: https://a/k }, role: analyst, workspace: dev }",
      ["p:4:9: trust[0].principal: missing; add it: { claim: sub }"],
    ],
    ["{ role: analyst, workspace: dev }", ["p:4:9: trust[0]: a trust rule without jwt or spiffe; add one of the two"]],
    [
      "{}",
      [
        "p:4:9: trust[0].role: missing; name one, or say { claim: … }",
        "p:4:9: trust[0].workspace: missing; name one, or say { claim: … }",
        "p:4:9: trust[0]: a trust rule without jwt or spiffe; add one of the two",
      ],
    ],
    [
      "{ spiffe: spiffe://a/b, principal: { claim: sub }, role: analyst, workspace: dev }",
      ["p:4:33: trust[0].principal: a SPIFFE rule's principal is the SPIFFE id itself; remove it"],
    ],
    [
      "{ spiffe: spiffe://a/b*, role: analyst, workspace: dev }",
      [
        'p:4:19: trust[0].spiffe: "spiffe://a/b*" is not a SPIFFE id, or a pattern where * is a whole segment; write spiffe://acme/ns/*/sa/*',
      ],
    ],
    [
      "{ spiffe: spiffe://a/*, role: { claim: groups }, workspace: prod }",
      [
        "p:4:39: trust[0].role: a SPIFFE id has no claims; name one of the roles",
        'p:4:69: trust[0].workspace: unknown workspace "prod"; define it under workspaces',
      ],
    ],
    [
      "{ jwt: { issuer: i, audience: a }, spiffe: spiffe://a/b, role: analyst, workspace: dev }",
      [
        "p:4:11: trust[0].jwt.jwks: missing; add the https URL of the issuer's keys",
        "p:4:44: trust[0].spiffe: jwt and spiffe in one rule; write each as a rule of its own",
      ],
    ],
    [
      "{ jwt: { issuer: i, audience: a, jwks: https://a/k }, principal: { claim: sub }, role: { claim: g, map: { x: analist, y: analyst } }, workspace: { claim: w, map: { z: devv } } }",
      [
        'p:4:118: trust[0].role.map.x: unknown role "analist"; did you mean analyst?',
        'p:4:176: trust[0].workspace.map.z: unknown workspace "devv"; did you mean dev?',
      ],
    ],
    ["{ spiffe: spiffe://a/b, role: analyst }", ["p:4:9: trust[0].workspace: missing; name one, or say { claim: … }"]],
  ])("%s", (rule, lines) => {
    expect(faultLines(`${BASE}trust: [${rule}]\n`)).toEqual(lines);
  });
});

describe("alerts", () => {
  const NOTIFY = "limits: { usd_per_month: 5 }\nnotify: { ops: { webhook: https://hooks.example/a } }\n";

  test.each<[string, readonly string[]]>([
    ['{ at: [50%], limits: "*.usd_per_month", notify: ops }', []],
    ['{ at: [1%, 100%], limits: [organization.usd_per_month, "*"], notify: ops }', []],
    [
      '{ at: [50%], limits: ["*", "*.usd_per_yeer"], notify: opps }',
      [
        'p:6:37: alerts[0].limits[1]: no limit of this file matches "*.usd_per_yeer"; write a pattern such as "*.usd_per_month"',
        'p:6:64: alerts[0].notify: unknown target "opps"; did you mean ops?',
      ],
    ],
    [
      '{ at: [0%, 101%, 80, "50"], limits: "*", notify: ops }',
      [
        'p:6:17: alerts[0].at[0]: "0%" is not a percentage from 1% to 100%; write it with its sign: 80%',
        'p:6:21: alerts[0].at[1]: "101%" is not a percentage from 1% to 100%; write it with its sign: 80%',
        "p:6:27: alerts[0].at[2]: expected a percentage from 1% to 100%, found the number 80; write it with its sign: 80%",
        'p:6:31: alerts[0].at[3]: "50" is not a percentage from 1% to 100%; write it with its sign: 80%',
      ],
    ],
    ['{ at: [], limits: "*", notify: ops }', ["p:6:16: alerts[0].at: no percentage; add one such as 80%"]],
  ])("%s", (alert, lines) => {
    expect(faultLines(`${BASE}${NOTIFY}alerts: [${alert}]\n`)).toEqual(lines);
  });

  test("a secret lies in one place, and a webhook is a URL", () => {
    const content = `${BASE}notify: { ops: { webhook: nope, secret: { file: a, env: B } } }\n`;
    expect(faultLines(content)).toEqual([
      "p:4:27: notify.ops.webhook: a text that is not shown is not an http or https URL; write the whole URL",
      "p:4:52: notify.ops.secret.env: file and env in one; keep one of the two",
    ]);
  });

  test("an upstream key lies in one place", () => {
    expect(faultLines('version: 1\nworkspaces: { w: { models: ["*"], upstream_key: {} } }\n')).toEqual([
      "p:2:49: workspaces.w.upstream_key: an empty map; write one of file, env",
    ]);
  });
});
