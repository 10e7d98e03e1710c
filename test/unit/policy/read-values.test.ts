import { describe, expect, test } from "vitest";
import { faultLines, policyOf } from "./written.js";

describe("values at fault", () => {
  test.each<[string, string]>([
    ["organization: acme", "p:1:1: version: missing; add `version: 1`"],
    [
      "version: 2",
      "p:1:10: version: expected the number 1, found the number 2; write `version: 1`, the only version there is",
    ],
    [
      'version: "1"',
      'p:1:10: version: expected the number 1, found the text "1"; write `version: 1`, the only version there is',
    ],
    [
      "colour: red",
      "p:2:1: colour: unknown key; remove it; the keys here are version, organization, timezone, limits, workspaces, roles, principals, trust, unlisted_principals, on_store_failure, unsettled, reservation_ttl, default_max_output_tokens, unbounded, price_factor, models, alerts, notify",
    ],
    ["organisation: acme", "p:2:1: organisation: unknown key; did you mean organization?"],
    [
      "organization: my org",
      'p:2:15: organization: "my org" is not a name (letters, digits, _ and -, at most 64 of them); choose such a name',
    ],
    [
      "organization: 2024",
      "p:2:15: organization: expected a name as text (letters, digits, _ and -, at most 64 of them), found the number 2024; quote it",
    ],
    ["timezone: Europe/Pariss", 'p:2:11: timezone: unknown time zone "Europe/Pariss"; did you mean Europe/Paris?'],
    ["timezone: +01:00", 'p:2:11: timezone: unknown time zone "+01:00"; write an IANA name such as Europe/Paris'],
    ["roles:", "p:2:1: roles: expected a map of roles by name, found nothing; give it a value, or remove the key"],
    ["roles: []", "p:2:8: roles: expected a map of roles by name, found a list; write a map of roles by name"],
    [
      "roles: { a: }",
      "p:2:10: roles.a: expected a map that describes a role, found nothing; give it a value, or remove the key",
    ],
    ["roles: { a: {} }", 'p:2:10: roles.a.models: missing; add models: ["*"] for every model, or list the ones meant'],
    [
      'roles: { a: { models: "*" } }',
      'p:2:23: roles.a.models: expected a list of models, found the text "*"; write a list such as [mistral-small-latest] or ["*"]',
    ],
    [
      "roles: { a: { models: [12] } }",
      'p:2:24: roles.a.models[0]: expected a model name as text (printable ASCII without space, ", \\, { and }, at most 128 characters), found the number 12; quote it',
    ],
    [
      'roles: { a: { models: ["a b"] } }',
      'p:2:24: roles.a.models[0]: "a b" is not a model name (printable ASCII without space, ", \\, { and }, at most 128 characters); write a model\'s id or alias',
    ],
    [
      "workspaces: { a: {} }",
      'p:2:15: workspaces.a.models: missing; add models: ["*"] for every model, or list the ones meant',
    ],
    [
      "workspaces: { a.b: { models: [] } }",
      'p:2:15: workspaces."a.b": "a.b" cannot be the name of a workspace; use letters, digits, _ and -, at most 64 of them',
    ],
    [
      'principals: { "a b": { role: r, workspace: w } }\nroles: { r: { models: [] } }\nworkspaces: { w: { models: [] } }',
      'p:2:15: principals."a b": "a b" cannot be the name of a principal; use printable ASCII without space, ", \\, { and }, at most 128 characters',
    ],
    ["principals: { a: {} }", "p:2:15: principals.a.role: missing; name one of the roles"],
    ["principals: { a: {} }", "p:2:15: principals.a.workspace: missing; name one of the workspaces"],
    [
      "principals: { a: { role: 5 } }",
      "p:2:26: principals.a.role: expected a role's name as text (letters, digits, _ and -, at most 64 of them), found the number 5; quote it",
    ],
    [
      "principals: { a: { disabled: yes } }",
      'p:2:30: principals.a.disabled: expected true or false, found the text "yes"; write true or false, without quotes',
    ],
    [
      "roles: { a: { models: [], endpoints: [chat_completion] } }",
      'p:2:39: roles.a.endpoints[0]: expected one of 9 names, found the text "chat_completion"; did you mean chat_completions?',
    ],
    [
      "roles: { a: { models: [], endpoints: [chat] } }",
      'p:2:39: roles.a.endpoints[0]: expected one of 9 names, found the text "chat"; write chat_completions, fim_completions, embeddings, agents_completions, conversations, ocr, audio_transcriptions, moderations, classifications',
    ],
    [
      "unlisted_principals: maybe",
      'p:2:22: unlisted_principals: expected allow or deny, found the text "maybe"; write allow, deny',
    ],
    [
      "on_store_failure: alow",
      'p:2:19: on_store_failure: expected deny or allow, found the text "alow"; did you mean allow?',
    ],
    ["unsettled: false", "p:2:12: unsettled: expected charge or release, found false; write charge, release"],
    [
      "reservation_ttl: 900",
      "p:2:18: reservation_ttl: expected a duration such as 15m, found the number 900; write hours, minutes and seconds such as 90s, 15m or 1h30m, from 1s to 24h",
    ],
    [
      "reservation_ttl: 25h",
      'p:2:18: reservation_ttl: "25h" is no duration from 1s to 24h; write hours, minutes and seconds such as 90s, 15m or 1h30m, from 1s to 24h',
    ],
    [
      "reservation_ttl: 0s",
      'p:2:18: reservation_ttl: "0s" is no duration from 1s to 24h; write hours, minutes and seconds such as 90s, 15m or 1h30m, from 1s to 24h',
    ],
    [
      "reservation_ttl: 1.5h",
      'p:2:18: reservation_ttl: "1.5h" is no duration from 1s to 24h; write hours, minutes and seconds such as 90s, 15m or 1h30m, from 1s to 24h',
    ],
    ["default_max_output_tokens: 0", "p:2:28: default_max_output_tokens: 0 is too small; write 1 or more"],
    ["price_factor: 0", "p:2:15: price_factor: 0 is too small; write a number above 0"],
    ["price_factor: -1.1", "p:2:15: price_factor: -1.1 is too small; write a number above 0"],
    [
      "price_factor: 1.1000000001",
      "p:2:15: price_factor: expected a number above 0, found the number 1.1000000001, which has more than 9 decimal places; round it to 9",
    ],
  ])("%s", (line, fault) => {
    const content = line.startsWith("version") || line === "organization: acme" ? line : `version: 1\n${line}\n`;
    expect(faultLines(content)).toContain(fault);
  });
});

describe("ceilings at fault", () => {
  test.each<[string, string]>([
    ["{ request_per_minute: 60 }", "p:2:11: limits.request_per_minute: unknown key; did you mean requests_per_minute?"],
    [
      "{ requests_per_request: 1 }",
      "p:2:11: limits.requests_per_request: unknown key; it would always be 1; did you mean requests_per_minute or tokens_per_request?",
    ],
    [
      "{ tokens_per_day: -5 }",
      "p:2:27: limits.tokens_per_day: -5 is too small; write 0 to refuse always, or leave the key out for no limit",
    ],
    [
      "{ tokens_per_day: 1.5 }",
      "p:2:27: limits.tokens_per_day: expected a whole number, found 1.5; write it without decimals",
    ],
    [
      '{ tokens_per_day: "100" }',
      'p:2:27: limits.tokens_per_day: expected a whole number or a map with ceiling, found the text "100"; remove the quotes',
    ],
    [
      "{ tokens_per_day: '1_000' }",
      'p:2:27: limits.tokens_per_day: expected a whole number or a map with ceiling, found the text "1_000"; remove the quotes',
    ],
    [
      "{ tokens_per_day: unlimited }",
      'p:2:27: limits.tokens_per_day: expected a whole number or a map with ceiling, found the text "unlimited"; leave the key out for no limit',
    ],
    [
      "{ tokens_per_day: .inf }",
      "p:2:27: limits.tokens_per_day: expected a whole number or a map with ceiling, found the number Infinity; leave the key out for no limit",
    ],
    [
      "{ tokens_per_day: }",
      "p:2:11: limits.tokens_per_day: expected a whole number or a map with ceiling, found nothing; give it a value, or remove the key",
    ],
    [
      "{ tokens_per_day: [5] }",
      "p:2:27: limits.tokens_per_day: expected a whole number or a map with ceiling, found a list; leave the key out for no limit",
    ],
    [
      "{ tokens_per_day: 9007199254740992 }",
      "p:2:27: limits.tokens_per_day: 9007199254740992 is above 9007199254740991, the most that is counted; leave the key out for no limit",
    ],
    [
      "{ usd_per_day: 9_007_199.254740992 }",
      "p:2:24: limits.usd_per_day: 9007199.254740992 is above 9007199.254740991, the most that is counted; leave the key out for no limit",
    ],
    [
      "{ usd_per_day: 0.1234567891 }",
      "p:2:24: limits.usd_per_day: expected a number of USD or a map with ceiling, found the number 0.1234567891, which has more than 9 decimal places; round it to 9",
    ],
    [
      "{ usd_per_day: -0.01 }",
      "p:2:24: limits.usd_per_day: -0.01 is too small; write 0 to refuse always, or leave the key out for no limit",
    ],
    [
      "{ usd_per_day: 1e99 }",
      "p:2:24: limits.usd_per_day: expected a number of USD or a map with ceiling, found the number 1e+99; write less",
    ],
    [
      "{ usd_per_day: $5 }",
      'p:2:24: limits.usd_per_day: expected a number of USD or a map with ceiling, found the text "$5"; leave the key out for no limit',
    ],
    ["{ usd_per_day: {} }", "p:2:11: limits.usd_per_day.ceiling: missing; add it: a number of USD"],
    [
      "{ usd_per_day: { ceiling: -1 } }",
      "p:2:35: limits.usd_per_day.ceiling: -1 is too small; write 0 to refuse always, or leave the key out for no limit",
    ],
    [
      "{ usd_per_day: { ceiling: 1, on_excess: deny } }",
      "p:2:38: limits.usd_per_day.on_excess: unknown key; did you mean on_exceed?",
    ],
    [
      "{ usd_per_day: { ceiling: 1, shared_by: role } }",
      "p:2:38: limits.usd_per_day.shared_by: unknown key; only a role's limits can be shared; remove it",
    ],
    [
      "{ requests_per_day: { ceiling: 1, status: 429 } }",
      "p:2:43: limits.requests_per_day.status: unknown key; only token and usd budgets choose their status: tokens in an hour or longer, usd but _per_request",
    ],
    [
      "{ usd_per_request: { ceiling: 1, status: 429 } }",
      "p:2:42: limits.usd_per_request.status: unknown key; only token and usd budgets choose their status: tokens in an hour or longer, usd but _per_request",
    ],
    [
      "{ usd_per_day: { ceiling: 1, status: 500 } }",
      "p:2:46: limits.usd_per_day.status: expected the status 402, 403 or 429, found the number 500; write one of the three, without quotes",
    ],
  ])("%s", (limits, fault) => {
    expect(faultLines(`version: 1\nlimits: ${limits}\n`)).toEqual([fault]);
  });
});

test("all faults are told at once, in the order of the file, whatever finds them", () => {
  const content = [
    "version: 1",
    "timezone: Mars/Olympus",
    "workspaces:",
    "  dev: { models: [mistral-smal-latest], limit: { usd_per_month: -1 } }",
    "  de v: { models: [] }",
    "principals:",
    "  search: { role: nobody, workspace: dev, disabled: 1 }",
    "  search: {}",
    "alerts: [{ at: [80%], limits: '*', notify: ops }]",
    "reservation_ttl: soon",
  ].join("\n");
  const paths = faultLines(content).map((line) => line.split(": ", 2).join(" "));
  expect(paths).toEqual([
    "p:2:11 timezone",
    "p:4:19 workspaces.dev.models[0]",
    "p:4:41 workspaces.dev.limit",
    'p:5:3 workspaces."de v"',
    "p:7:19 principals.search.role",
    "p:7:53 principals.search.disabled",
    "p:8:3 principals.search",
    "p:9:31 alerts[0].limits",
    "p:9:44 alerts[0].notify",
    "p:10:18 reservation_ttl",
  ]);
});

describe("values that are read", () => {
  test.each<[string, string, number]>([
    ["tokens_per_day", "100_000", 100_000],
    ["tokens_per_day", "0", 0],
    ["tokens_per_day", "9007199254740991", 9_007_199_254_740_991],
    ["tokens_per_day", "1e6", 1_000_000],
    ["tokens_per_day", "1000.0", 1_000],
    ["usd_per_day", "0.000000001", 1],
    ["usd_per_day", "0.1", 100_000_000],
    ["usd_per_day", "9007199.254740991", 9_007_199_254_740_991],
    ["usd_per_day", "9_007_199.254740991", 9_007_199_254_740_991],
    ["usd_per_day", "4503599.627370497", 4_503_599_627_370_497],
    ["usd_per_day", "50", 50_000_000_000],
    ["usd_per_day", "{ ceiling: 0.3 }", 300_000_000],
  ])("%s: %s", (key, written, ceiling) => {
    expect(policyOf(`version: 1\nlimits: { ${key}: ${written} }\n`).limits).toMatchObject([{ key, ceiling }]);
  });

  test.each([
    ["1s", 1_000],
    ["90s", 90_000],
    ["15m", 900_000],
    ["2h", 7_200_000],
    ["1h30m", 5_400_000],
    ["1h30m5s", 5_405_000],
    ["24h", 86_400_000],
    ["86400s", 86_400_000],
  ])("reservation_ttl: %s", (written, ms) => {
    const policy = policyOf(`version: 1\nreservation_ttl: ${written}\nworkspaces: { w: { models: [] } }\n`);
    expect(policy.workspaces.get("w")?.reservationTtlMs).toBe(ms);
  });

  test.each([
    ["1.1", 11n, 10n],
    ["1", 1n, 1n],
    ["20", 20n, 1n],
    ["0.000000001", 1n, 1_000_000_000n],
    ["1.123456789", 1_123_456_789n, 1_000_000_000n],
  ])("price_factor: %s", (written, numerator, denominator) => {
    const policy = policyOf(`version: 1\nprice_factor: ${written}\nworkspaces: { w: { models: [] } }\n`);
    expect(policy.workspaces.get("w")?.priceFactor).toEqual({ numerator, denominator });
  });
});

describe("where a secret may stand by mistake", () => {
  test.each([
    ["workspaces: { dev: { models: ['*'], upstream_key: SECRET } }"],
    ["workspaces: { dev: { models: ['*'], upstream_key: { env: 'a SECRET' } } }"],
    ["workspaces: { dev: { models: ['*'], upstream_key: { file: ' SECRET' } } }"],
    ["principals: { a: { role: r, workspace: w, credentials: SECRET } }"],
    ["principals: { a: { role: r, workspace: w, credentials: [SECRET] } }"],
    ["principals: { a: { role: r, workspace: w, credentials: [{ api_key_sha256: wb_SECRET }] } }"],
    ["principals: { a: { role: r, workspace: w, credentials: [{ api_key: wb_SECRET }] } }"],
    ["notify: { ops: { webhook: 'ftp://u:SECRET@hooks.example' } }"],
    ["notify: { ops: { webhook: 'https://hooks.example', secret: SECRET } }"],
    ["trust: [{ jwt: { issuer: i, audience: a, jwks: 'https://u:SECRET@idp.example/k' } }]"],
    ["upstream_key: SECRET"],
  ])("no fault shows what stands there: %s", (rules) => {
    const lines = faultLines(`version: 1\n${rules}\n`);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join("\n")).not.toContain("SECRET");
  });
});
