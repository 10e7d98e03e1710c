import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { standingOf } from "../../../../src/domain/caller.js";
import type { Change, Concerned } from "../../../../src/domain/diff/change.js";
import { comparePolicies } from "../../../../src/domain/diff/policy-diff.js";
import { planFor } from "../../../../src/domain/plan.js";
import type { Policy } from "../../../../src/domain/policy.js";
import { policyOf } from "../../policy/written.js";

const MODELS = `
models:
  chat: { endpoints: [chat_completions, fim_completions], prices: { input: 1, output: 2 } }
  embed: { endpoints: [embeddings], prices: { input: 1 } }
  scan: { endpoints: [ocr] }
`;

function policy(text: string): Policy {
  return policyOf(`version: 1\n${text}${text.includes("models:\n") ? "" : MODELS}`);
}

/** Each change on a line: effect, whom it concerns, what, and the values before and after. */
function told(old: string | Policy, now: string | Policy): readonly string[] {
  const [before, after] = [old, now].map((one) => (typeof one === "string" ? policy(one) : one));
  if (!before || !after) throw new Error("two policies are compared");
  return comparePolicies(before, after).map(line);
}

function line({ effect, who, what, from, to }: Change): string {
  return `${effect}: ${whoText(who)}: ${what}: ${from?.text ?? "none"} -> ${to?.text ?? "none"}`;
}

function whoText(who: Concerned): string {
  if (who.kind === "named") return who.isEvery ? `every ${who.of}` : who.names.join(" ");
  if (who.kind === "principals") return who.ids.join(" ");
  const listed = who.listed > 0 ? ` (${who.listed})` : "";
  const roles = who.isEveryRole ? "every role" : who.roles.join(" ");
  return `${roles} in ${who.isEveryWorkspace ? "every workspace" : who.workspaces.join(" ")}${listed}`;
}

const TWO_BY_TWO = `
workspaces: { dev: { models: [chat, embed] }, prod: { models: [chat, embed] } }
roles: { junior: { models: [chat] }, senior: { models: [chat, embed] } }
`;

describe("what people may call", () => {
  test("is the same however a policy is written", () => {
    const old = `
workspaces: { dev: { models: [chat, embed], limits: { usd_per_day: 1, requests_per_minute: 2 } } }
roles: { junior: { models: ["*"] }, senior: { models: [embed] } }
`;
    const rewritten = `
timezone: UTC
roles: { senior: { models: ["emb*"], description: Seniors }, junior: { models: ["*", chat] } }
workspaces: { dev: { limits: { requests_per_minute: 2, usd_per_day: 1.0 }, models: ["e*d", chat, chat] } }
`;
    expect(told(old, rewritten)).toEqual([]);
  });

  test("is told model by model where a pattern changes", () => {
    const old = TWO_BY_TWO.replace("junior: { models: [chat] }", 'junior: { models: ["c*", "e*"] }');
    expect(told(old, TWO_BY_TWO)).toEqual(["loses: junior in every workspace: embed: may -> may not"]);
    expect(told(TWO_BY_TWO, old)).toEqual(["gains: junior in every workspace: embed: may not -> may"]);
  });

  test("is told of workspaces at once, whose roles it concerns", () => {
    expect(told(TWO_BY_TWO, TWO_BY_TWO.replace("dev: { models: [chat, embed] }", "dev: { models: [embed] }"))).toEqual([
      "loses: every role in dev: chat: may -> may not",
    ]);
  });

  test("counts endpoints of their own where only some are lost", () => {
    const narrowed = TWO_BY_TWO.replace(
      "junior: { models: [chat] }",
      "junior: { models: [chat], endpoints: [fim_completions] }",
    );
    expect(told(TWO_BY_TWO, narrowed)).toEqual([
      "loses: junior in every workspace: chat: chat_completions, fim_completions -> fim_completions",
    ]);
  });

  test("ends for a model without a price where a limit in usd comes to govern", () => {
    const old = `
workspaces: { dev: { models: [scan] } }
roles: { junior: { models: [scan] } }
`;
    expect(told(old, `limits: { usd_per_month: 5 }${old}`)).toEqual([
      "loses: junior in dev: scan: may -> may not",
      "loses: organization: usd_per_month: none -> $5.00",
    ]);
  });

  test("is told at once of a role that comes or goes, whose limits hold nobody more than before", () => {
    const renamed = TWO_BY_TWO.replace(
      "senior: { models: [chat, embed] }",
      "lead: { models: [chat, embed], limits: { tokens_per_day: 9 } }",
    );
    expect(told(TWO_BY_TWO, renamed)).toEqual([
      "gains: lead in every workspace: may call: none -> chat, embed",
      "loses: senior in every workspace: may call: chat, embed -> none",
      "changes: roles.lead: tokens_per_day: none -> 9",
      "changes: roles.lead: defined: none -> yes",
      "changes: roles.senior: defined: yes -> none",
    ]);
  });

  test("follows an alias to another model", () => {
    const roles = `
workspaces: { dev: { models: ["*"] } }
roles: { junior: { models: [best] } }
`;
    const models = (best: string, other: string) => `
models:
  ${best}: { endpoints: [embeddings], prices: { input: 1 }, aliases: [best] }
  ${other}: { endpoints: [embeddings], prices: { input: 1 } }
`;
    expect(told(`${roles}${models("one", "two")}`, `${roles}${models("two", "one")}`)).toEqual([
      "loses: junior in dev: one: may -> may not",
      "gains: junior in dev: two: may not -> may",
      "changes: models.one: aliases: best -> none",
      "changes: models.two: aliases: none -> best",
    ]);
  });

  test("is told for pairs that somebody is in, where only listed principals can call", () => {
    const listed = `
unlisted_principals: deny
principals: { ann: { role: junior, workspace: dev }, bob: { role: junior, workspace: dev } }
${TWO_BY_TWO}`;
    expect(told(listed, listed.replace("junior: { models: [chat] }", "junior: { models: [embed] }"))).toEqual([
      "loses: junior in dev (2): chat: may -> may not",
      "gains: junior in dev (2): embed: may not -> may",
    ]);
  });

  const names = fc.subarray(["chat", "embed", "scan", "mistral-embed-2312", "c*", "*"], { minLength: 1 });
  const limits = fc.constantFrom("{}", "{ usd_per_day: 1 }");
  const endpoints = fc.constantFrom("[chat_completions, embeddings, ocr]", "[embeddings]", "[]");
  const written = fc
    .record({
      dev: names,
      prod: names,
      junior: names,
      ann: names,
      limits,
      own: limits,
      endpoints,
      disabled: fc.boolean(),
    })
    .map(
      ({ dev, prod, junior, ann, ...of }) => `
limits: ${of.limits}
workspaces: { dev: { models: ${JSON.stringify(dev)} }, prod: { models: ${JSON.stringify(prod)}, limits: ${of.own} } }
roles: { junior: { models: ${JSON.stringify(junior)}, endpoints: ${of.endpoints} } }
principals: { ann: { role: junior, workspace: prod, models: ${JSON.stringify(ann)}, disabled: ${of.disabled} } }
`,
    );

  test("is told just where decisions differ", () => {
    fc.assert(
      fc.property(written, written, (first, second) => {
        const [old, now] = [policy(first), policy(second)];
        const changes = comparePolicies(old, now);
        for (const workspace of ["dev", "prod"]) {
          const isConcerned = ({ who }: Change) => who.kind === "pairs" && who.workspaces.includes(workspace);
          const differing = modelsThatDiffer(old, now, workspace, undefined);
          expect(toldModels(changes, isConcerned)).toEqual(differing);
        }
        const isAnn = ({ who }: Change) => who.kind === "principals" && who.ids.includes("ann");
        const asPair = changes.some(({ who }) => who.kind === "pairs" && who.listed > 0);
        const disabled = changes.some((change) => isAnn(change) && change.what === "disabled");
        const own = modelsThatDiffer(old, now, "prod", "ann");
        if (disabled) expect(toldModels(changes, isAnn)).toEqual([]);
        else if (asPair) expect(modelsThatDiffer(old, now, "prod", undefined)).toEqual(own);
        else expect(toldModels(changes, isAnn)).toEqual(own);
      }),
      { numRuns: 150 },
    );
  });
});

function toldModels(changes: readonly Change[], isConcerned: (change: Change) => boolean): readonly string[] {
  return [
    ...new Set(changes.filter((one) => one.section === "models" && isConcerned(one)).map(({ what }) => what)),
  ].sort();
}

/** Decided model by model and endpoint by endpoint, as calls are. */
function modelsThatDiffer(old: Policy, now: Policy, workspace: string, principal: string | undefined) {
  const may = (one: Policy, model: string) => {
    const [inWorkspace, role] = [one.workspaces.get(workspace), one.roles.get("junior")];
    if (!inWorkspace || !role) throw new Error("both policies have both");
    const standing = standingOf(
      one,
      inWorkspace,
      role,
      principal === undefined ? undefined : one.principals.get(principal),
    );
    const endpoints = one.models.get(model)?.endpoints ?? [];
    return endpoints.filter((endpoint) => planFor(one, standing, model, endpoint).kind === "open").join();
  };
  const ids = [...new Set([...old.models.values()].map(({ id }) => id))];
  return ids.filter((id) => may(old, id) !== may(now, id)).sort();
}

describe("ceilings", () => {
  const limited = (limits: string) => `
workspaces: { dev: { models: [chat] } }
roles: { junior: { models: [chat], limits: ${limits} } }
`;
  test.each([
    ["{ usd_per_day: 5 }", "{ usd_per_day: 7.5 }", "gains: roles.junior: usd_per_day: $5.00 -> $7.50"],
    ["{ tokens_per_day: 5000 }", "{ tokens_per_day: 500 }", "loses: roles.junior: tokens_per_day: 5,000 -> 500"],
    ["{}", "{ tokens_per_day: 500 }", "loses: roles.junior: tokens_per_day: none -> 500"],
    ["{ tokens_per_day: 500 }", "{}", "gains: roles.junior: tokens_per_day: 500 -> none"],
    [
      "{ tokens_per_day: 500 }",
      "{ tokens_per_day: { ceiling: 400, on_exceed: shadow } }",
      "gains: roles.junior: tokens_per_day: 500 -> 400, in shadow",
    ],
    [
      "{ tokens_per_day: { ceiling: 9, on_exceed: shadow } }",
      "{ tokens_per_day: { ceiling: 8, on_exceed: shadow } }",
      "changes: roles.junior: tokens_per_day: 9, in shadow -> 8, in shadow",
    ],
    [
      "{ tokens_per_day: 500 }",
      "{ tokens_per_day: { ceiling: 500, shared_by: role } }",
      "loses: roles.junior: tokens_per_day: 500 -> 500, shared",
    ],
    [
      "{ tokens_per_day: 500 }",
      "{ tokens_per_day: { ceiling: 900, shared_by: role } }",
      "changes: roles.junior: tokens_per_day: 500 -> 900, shared",
    ],
    [
      "{ tokens_per_day: 500 }",
      "{ tokens_per_day: { ceiling: 500, status: 429 } }",
      "changes: roles.junior: tokens_per_day: 500, status 402 -> 500, status 429",
    ],
  ])("from %s to %s", (old, now, line) => {
    expect(told(limited(old), limited(now))).toEqual([line]);
  });
});

describe("listed principals", () => {
  const crew = (of: string, ids = ["ann", "bob"]) =>
    `${TWO_BY_TWO}principals: { ${ids.map((id) => `${id}: { role: junior, workspace: dev, ${of} }`).join(", ")} }\n`;

  test("are told of together where the same changes for them", () => {
    expect(told(crew("limits: { usd_per_day: 2 }"), crew("limits: { usd_per_day: 1 }, disabled: true"))).toEqual([
      "loses: ann bob: usd_per_day: $2.00 -> $1.00",
      "loses: ann bob: disabled: no -> yes",
    ]);
  });

  test("are told of by their own where their lists are", () => {
    expect(told(crew("models: [chat]"), crew("models: [embed]"))).toEqual(["loses: ann bob: chat: may -> may not"]);
  });

  test("that move are told of with what they may call there", () => {
    const moved = crew("").replaceAll("role: junior, workspace: dev", "role: senior, workspace: prod");
    expect(told(crew(""), moved)).toEqual([
      "gains: ann bob: embed: may not -> may",
      "changes: ann bob: role: junior -> senior",
      "changes: ann bob: workspace: dev -> prod",
    ]);
  });

  test("that come and go lose or gain only where nobody else may call", () => {
    const [one, other] = [crew("", ["ann"]), crew("limits: { usd_per_day: 2 }", ["bob"])];
    const [gone, come] = [
      "ann: listed: junior in dev -> none",
      "bob: listed: none -> junior in dev, usd_per_day $2.00",
    ];
    expect(told(one, other)).toEqual([`changes: ${gone}`, `changes: ${come}`]);
    const closed = (text: string) => `unlisted_principals: deny\n${text}`;
    expect(told(closed(one), closed(other))).toEqual([`loses: ${gone}`, `gains: ${come}`]);
  });

  test("may be thousands, and are few changes", () => {
    const ids = Array.from({ length: 2_000 }, (_, index) => `service-${index}`);
    const listed = (usd: number, key: number) =>
      `unlisted_principals: deny${TWO_BY_TWO}principals:\n${ids
        .map((id, index) => {
          const hash = String(key + index).padStart(64, "0");
          return `  ${id}: { role: junior, workspace: dev, limits: { usd_per_day: ${usd} }, credentials: [{ api_key_sha256: "${hash}" }] }\n`;
        })
        .join("")}`;
    const [old, now] = [policy(listed(1, 0)), policy(listed(2, 20_000))];
    const changes = comparePolicies(old, now);
    expect(changes.map(({ effect, what, from, to }) => [effect, what, from?.text, to?.text])).toEqual([
      ["gains", "usd_per_day", "$1.00", "$2.00"],
      ["loses", "API key", "each its own", undefined],
      ["gains", "API key", undefined, "each its own"],
    ]);
    for (const { who } of changes) expect(who).toMatchObject({ kind: "principals", ids: { length: 2_000 } });
  });
});

describe("the rest of a policy", () => {
  test("tells credentials, trust rules and keys that come and go", () => {
    const proofs = (credentials: string, trust: string) => `${TWO_BY_TWO}
principals: { ann: { role: junior, workspace: dev, credentials: [${credentials}] } }
trust: [${trust}]
`;
    const key = (digit: string) => `api_key_sha256: "${digit.repeat(64)}"`;
    const jwt = (jwks: string) =>
      `{ jwt: { issuer: "https://idp", audience: wb, jwks: "${jwks}" }, principal: { claim: sub }, role: { claim: groups, map: { a: senior } }, workspace: dev }`;
    const spiffe = "{ spiffe: spiffe://acme.org/ns/*/sa/x, role: junior, workspace: dev }";
    expect(
      told(
        proofs(`{ ${key("a")} }, { spiffe: spiffe://acme/x }`, jwt("https://old")),
        proofs(`{ ${key("B")} }, { spiffe: spiffe://acme/x }`, `${spiffe}, ${jwt("https://new")}`),
      ),
    ).toEqual([
      "loses: ann: API key: aaaaaaaa… -> none",
      "gains: ann: API key: none -> bbbbbbbb…",
      "gains: trust: rule: none -> spiffe://acme.org/ns/*/sa/x: role junior, workspace dev",
      "changes: issuer https://idp: jwks: https://old -> https://new",
    ]);
    expect(told(proofs("", `${spiffe}, ${jwt("https://a")}`), proofs("", `${jwt("https://a")}, ${spiffe}`))).toEqual([
      "changes: trust: order: as it was -> another",
    ]);
  });

  test("tells defaults by what comes of them", () => {
    const top = `on_store_failure: allow\nunsettled: release\nprice_factor: 1.1\ndefault_max_output_tokens: 100\n${TWO_BY_TWO}`;
    expect(told(TWO_BY_TWO, top)).toEqual([
      "changes: every role in every workspace: default_max_output_tokens: 4096 -> 100",
      "changes: every workspace: on_store_failure: deny -> allow",
      "changes: every workspace: unsettled: charge -> release",
      "changes: every workspace: price_factor: 1 -> 1.1",
    ]);
    const own = TWO_BY_TWO.replace(
      "prod: {",
      "prod: { reservation_ttl: 1m, unbounded: [], upstream_key: { env: KEY },",
    );
    expect(told(TWO_BY_TWO, own)).toEqual([
      "changes: workspaces.prod: reservation_ttl: 15m -> 1m",
      "changes: workspaces.prod: unbounded: output -> none",
      "changes: workspaces.prod: upstream_key: none -> env KEY",
    ]);
    expect(
      told(TWO_BY_TWO, `organization: acme\ntimezone: Asia/Tokyo\nunlisted_principals: deny\n${TWO_BY_TWO}`),
    ).toEqual([
      "changes: policy: organization: default -> acme",
      "changes: policy: timezone: UTC -> Asia/Tokyo",
      "loses: policy: unlisted_principals: allow -> deny",
    ]);
  });

  test("tells models and prices that change, exactly", () => {
    const priced = (chat: string) => `${TWO_BY_TWO}
models:
  chat: { endpoints: [chat_completions], ${chat} }
  embed: { endpoints: [embeddings], prices: { input: 1 } }
`;
    expect(
      told(priced("prices: { input: 0.1, output: 2 }"), priced("prices: { input: 0.100000001, output: 1 }")),
    ).toEqual([
      "loses: models.chat: prices.input: $0.10 a million -> $0.100000001 a million",
      "gains: models.chat: prices.output: $2.00 a million -> $1.00 a million",
    ]);
    expect(
      told(priced("prices: { input: 1, output: 2 }"), priced("prices: { input: 1, output: 2 }, context_length: 9")),
    ).toEqual(["changes: models.chat: context_length: none -> 9"]);
  });
});
