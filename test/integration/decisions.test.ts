import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Answer, startService } from "./running-service.js";

const POLICY = `
version: 1
organization: acme
timezone: Europe/Paris
limits: { usd_per_month: 3000 }
workspaces:
  dev:
    models: [mistral-small-latest, mistral-embed, mistral-ocr-latest, voxtral-mini-latest]
    limits: { requests_per_minute: 10, usd_per_hour: 1 }
  lab:
    models: ["*"]
    reservation_ttl: 10m
    default_max_output_tokens: 300
    limits: { concurrent_requests: 2, tokens_per_day: { ceiling: 10, on_exceed: shadow } }
roles:
  analyst: { models: [mistral-small-latest, mistral-embed], limits: { tokens_per_request: 500, tokens_per_day: 100_000 } }
  crew: { models: ["*"], limits: { tokens_per_hour: { ceiling: 1000, shared_by: role, status: 429 } } }
  free: { models: ["*"] }
principals:
  robot: { role: crew, workspace: lab, limits: { requests_per_day: 0 } }
  gone: { role: crew, workspace: lab, disabled: true }
  reader: { role: crew, workspace: dev, models: [mistral-embed], endpoints: [embeddings] }
`;

const ada = { id: "ada", role: "analyst", workspace: "dev" };
const eve = { id: "eve", role: "crew", workspace: "lab" };
const small = { model: "mistral-small-latest", input_tokens: 100, max_output_tokens: 50 };

describe("Authorize", () => {
  it("allows within every limit, names the dated model and prices the worst case exactly", async () => {
    const { client, live } = await startService(POLICY);
    const before = Date.now();
    const answer = await client.authorize({ ...small, principal: ada });
    expect(answer).toMatchObject({
      allowed: true,
      reason: "REASON_ALLOWED",
      model: "mistral-small-2603",
      max_output_tokens: 50,
      estimated_cost_nano_usd: 100 * 150 + 50 * 600,
      http_status: 200,
      policy_revision: live.current().revision,
      limits: [],
      retry_after: null,
      degraded: false,
      message: "",
    });
    expect(answer.request_id).not.toBe("");
    expect(answer.reservation_id.length).toBeGreaterThan(20);
    const expires = answer.reservation_expires_at.seconds * 1000 + answer.reservation_expires_at.nanos / 1e6;
    expect(expires % 450_000).toBe(0);
    expect(expires - before).toBeGreaterThanOrEqual(900_000);
    expect(expires - before).toBeLessThanOrEqual(1_360_000);
  });

  it.each([
    ["an unknown role", { ...ada, role: "boss" }, small, "REASON_UNKNOWN_ROLE"],
    ["an unknown workspace", { ...ada, workspace: "attic" }, small, "REASON_UNKNOWN_WORKSPACE"],
    [
      "an unknown role before an unknown workspace",
      { id: "ada", role: "x", workspace: "y" },
      small,
      "REASON_UNKNOWN_ROLE",
    ],
    ["a disabled principal", { id: "gone" }, small, "REASON_PRINCIPAL_DISABLED"],
    ["an unknown model", ada, { ...small, model: "gpt-9" }, "REASON_MODEL_UNKNOWN"],
    [
      "a disabled principal before an unknown model",
      { id: "gone" },
      { ...small, model: "gpt-9" },
      "REASON_PRINCIPAL_DISABLED",
    ],
    ["a model that the role lacks", ada, { ...small, model: "codestral-latest" }, "REASON_MODEL_NOT_ALLOWED"],
    ["a model that the principal's own list lacks", { id: "reader" }, small, "REASON_MODEL_NOT_ALLOWED"],
    [
      "an endpoint that the model does not serve",
      ada,
      { ...small, endpoint: "ENDPOINT_EMBEDDINGS" },
      "REASON_ENDPOINT_NOT_ALLOWED",
    ],
    [
      "an endpoint that the principal's own list lacks",
      { id: "reader" },
      { model: "mistral-embed", endpoint: "ENDPOINT_CHAT_COMPLETIONS" },
      "REASON_ENDPOINT_NOT_ALLOWED",
    ],
  ])("refuses %s by rule, without a limit and with 403", async (_, principal, request, reason) => {
    const { client } = await startService(POLICY);
    const answer = await client.authorize({ ...request, principal, include_limits: true });
    expect(answer).toMatchObject({
      allowed: false,
      reason,
      http_status: 403,
      limits: [],
      reservation_id: "",
      retry_after: null,
    });
    expect(answer.message).not.toBe("");
    expect(answer.request_id).not.toBe("");
  });

  it("refuses an unlisted principal where the policy denies those", async () => {
    const { client } = await startService(`${POLICY}\nunlisted_principals: deny\n`);
    expect(await client.authorize({ ...small, principal: ada })).toMatchObject({ reason: "REASON_UNKNOWN_PRINCIPAL" });
    expect(await client.authorize({ ...small, principal: { id: "ada" } })).toMatchObject({
      reason: "REASON_UNKNOWN_PRINCIPAL",
    });
    expect(
      await client.authorize({ model: "mistral-embed", input_tokens: 1, principal: { id: "reader" } }),
    ).toMatchObject({
      allowed: true,
    });
  });

  it("refuses a request that is too large, naming the ceilings per request alone", async () => {
    const { client } = await startService(POLICY);
    const answer = await client.authorize({ ...small, input_tokens: 451, principal: ada, include_limits: true });
    expect(answer).toMatchObject({
      allowed: false,
      reason: "REASON_REQUEST_TOO_LARGE",
      http_status: 422,
      retry_after: null,
    });
    expect(answer.limits.map((limit: Answer) => limit.name)).toEqual(["roles.analyst.tokens_per_request"]);
    expect(answer.limits[0]).toMatchObject({
      metric: "METRIC_TOKENS",
      window: "WINDOW_REQUEST",
      ceiling: 500,
      used: 0,
      reserved: 0,
      remaining: 500,
      resets_at: null,
      scope_id: "ada",
      shadow: false,
    });
  });

  it("caps the output that nobody named by the least of all that bounds it", async () => {
    const { client } = await startService(POLICY);
    const cap = async (principal: object, input: number) =>
      (await client.authorize({ model: "mistral-small-latest", input_tokens: input, principal, dry_run: true }))
        .max_output_tokens;
    expect(await cap(ada, 100)).toBe(400);
    expect(await cap(ada, 499)).toBe(1);
    expect(await cap(eve, 100)).toBe(300);
    expect(await cap({ id: "joe", role: "free", workspace: "dev" }, 100)).toBe(4096);
    expect(await cap({ id: "joe", role: "free", workspace: "dev" }, 262_144 - 10)).toBe(10);
    expect(await client.authorize({ model: "mistral-small-latest", input_tokens: 500, principal: ada })).toMatchObject({
      reason: "REASON_REQUEST_TOO_LARGE",
    });
    expect(
      await client.authorize({
        model: "mistral-small-latest",
        input_tokens: 262_144,
        principal: { id: "joe", role: "free", workspace: "dev" },
      }),
    ).toMatchObject({ reason: "REASON_REQUEST_TOO_LARGE", limits: [] });
  });

  it("counts no output where the endpoint has none", async () => {
    const { client } = await startService(POLICY);
    const answer = await client.authorize({
      model: "mistral-embed",
      input_tokens: 400,
      max_output_tokens: 9_999,
      principal: ada,
    });
    expect(answer).toMatchObject({ allowed: true, max_output_tokens: 0, estimated_cost_nano_usd: 400 * 100 });
  });

  it("prices pages and seconds", async () => {
    const { client } = await startService(POLICY);
    const crew = { ...eve, workspace: "dev" };
    const ocr = { model: "mistral-ocr-latest", pages: 10, principal: crew };
    expect(await client.authorize(ocr)).toMatchObject({ allowed: true, estimated_cost_nano_usd: 40_000_000 });
    expect(await client.authorize({ ...ocr, annotated_pages: true })).toMatchObject({
      estimated_cost_nano_usd: 50_000_000,
    });
    expect(await client.authorize({ model: "voxtral-mini-latest", audio_seconds: 61, principal: crew })).toMatchObject({
      estimated_cost_nano_usd: 61 * 50_000,
    });
  });

  it("answers with the limit that frees last, and says how long to wait", async () => {
    const { client } = await startService(POLICY);
    for (let call = 0; call < 10; call++) {
      expect(await client.authorize({ ...small, principal: ada })).toMatchObject({ allowed: true });
    }
    const answer = await client.authorize({ ...small, principal: ada, include_limits: true });
    expect(answer).toMatchObject({ allowed: false, reason: "REASON_RATE_LIMITED", http_status: 429 });
    expect(answer.limits.map((limit: Answer) => limit.name)).toEqual([
      "workspaces.dev.requests_per_minute",
      "organization.usd_per_month",
      "workspaces.dev.usd_per_hour",
      "roles.analyst.tokens_per_day",
      "roles.analyst.tokens_per_request",
    ]);
    expect(answer.limits[0]).toMatchObject({ ceiling: 10, used: 0, reserved: 10, remaining: 0, scope_id: "dev" });
    const wait = answer.retry_after.seconds + answer.retry_after.nanos / 1e9;
    expect(wait).toBeGreaterThan(50);
    expect(wait).toBeLessThanOrEqual(66);
    expect(answer.message).toContain("workspaces.dev.requests_per_minute");
  });

  it("gives a budget's own status, and tokens of an hour their own reason", async () => {
    const { client } = await startService(POLICY);
    const answer = await client.authorize({ ...small, input_tokens: 1000, principal: eve });
    expect(answer).toMatchObject({ reason: "REASON_TOKEN_BUDGET_EXCEEDED", http_status: 429, retry_after: null });
    expect(answer.limits[0]).toMatchObject({ name: "roles.crew.tokens_per_hour", scope_id: "lab" });
    expect(answer.shadow_denials).toEqual(["workspaces.lab.tokens_per_day"]);
  });

  it("admits past a limit in shadow and names it", async () => {
    const { client } = await startService(POLICY);
    const answer = await client.authorize({ ...small, principal: eve, include_limits: true });
    expect(answer).toMatchObject({ allowed: true, shadow_denials: ["workspaces.lab.tokens_per_day"] });
    expect(answer.limits.find((limit: Answer) => limit.shadow)).toMatchObject({
      reserved: 150,
      remaining: 0,
      ceiling: 10,
    });
  });

  it("always refuses by a ceiling of 0, and says that waiting does not help", async () => {
    const { client } = await startService(POLICY);
    const answer = await client.authorize({ ...small, principal: { id: "robot" } });
    expect(answer).toMatchObject({ reason: "REASON_RATE_LIMITED", retry_after: null, http_status: 429 });
    expect(answer.message).toBe("principals.robot.requests_per_day is 0: it refuses every call");
  });

  it("counts what is in flight until it is settled", async () => {
    const { client } = await startService(POLICY);
    const first = await client.authorize({ ...small, principal: eve });
    await client.authorize({ ...small, principal: eve });
    const third = await client.authorize({ ...small, principal: eve });
    expect(third).toMatchObject({ allowed: false, reason: "REASON_RATE_LIMITED" });
    expect(third.limits[0]).toMatchObject({
      name: "workspaces.lab.concurrent_requests",
      window: "WINDOW_IN_FLIGHT",
      resets_at: null,
    });
    await client.recordUsage({ reservation_id: first.reservation_id, usage: { input_tokens: 1 } });
    expect(await client.authorize({ ...small, principal: eve })).toMatchObject({ allowed: true });
  });

  it("admits exactly as many of 200 concurrent calls as there is room for", async () => {
    const { client } = await startService(POLICY);
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => client.authorize({ ...small, principal: ada })),
    );
    expect(answers.filter((answer) => answer.allowed)).toHaveLength(10);
  });

  it("answers a dry run as it would decide, and reserves nothing", async () => {
    const { client } = await startService(POLICY);
    for (let call = 0; call < 20; call++) {
      const answer = await client.authorize({ ...small, principal: ada, dry_run: true, include_limits: true });
      expect(answer).toMatchObject({ allowed: true, reservation_id: "", reservation_expires_at: null });
      expect(answer.limits.every((limit: Answer) => limit.reserved === 0)).toBe(true);
    }
  });

  it("gives a resend the same answer, and refuses its id for another call", async () => {
    const { client } = await startService(POLICY);
    const call = { ...small, principal: ada, request_id: "order-7" };
    const first = await client.authorize(call);
    expect(await client.authorize(call)).toEqual(first);
    const { limits } = await client.checkBudget({ principal: ada });
    expect(limits.find((limit: Answer) => limit.name.endsWith("requests_per_minute"))).toMatchObject({ reserved: 1 });
    await expect(client.authorize({ ...call, input_tokens: 99 })).rejects.toMatchObject({ code: 6 });
    expect(await client.authorize({ ...call, principal: { ...ada, id: "bob" } })).toMatchObject({ allowed: true });
    await client.recordUsage({ reservation_id: first.reservation_id, outcome: "OUTCOME_CANCELLED" });
    await expect(client.authorize(call)).rejects.toMatchObject({ code: 6 });
  });
});

describe("RecordUsage", () => {
  it("settles what was reserved by what was used, once", async () => {
    const { client } = await startService(POLICY);
    const { reservation_id } = await client.authorize({ ...small, principal: ada });
    const usage = { input_tokens: 90, cached_input_tokens: 64, output_tokens: 10 };
    const cost = 26 * 150 + 64 * 15 + 10 * 600;
    const first = await client.recordUsage({ reservation_id, principal: ada, usage, include_limits: true });
    expect(first).toMatchObject({ cost_nano_usd: cost, already_recorded: false, unreserved: false });
    expect(first.limits.find((limit: Answer) => limit.name === "roles.analyst.tokens_per_day")).toMatchObject({
      used: 100,
      reserved: 0,
    });
    expect(await client.recordUsage({ reservation_id, usage: { input_tokens: 5 } })).toMatchObject({
      cost_nano_usd: cost,
      already_recorded: true,
    });
  });

  it("settles by the request_id of the principal, the server's own too", async () => {
    const { client } = await startService(POLICY);
    const named = await client.authorize({ ...small, principal: ada, request_id: "r1" });
    const unnamed = await client.authorize({ ...small, principal: ada });
    for (const { request_id } of [named, unnamed]) {
      expect(await client.recordUsage({ request_id, principal: ada, usage: { input_tokens: 1 } })).toMatchObject({
        cost_nano_usd: 150,
        unreserved: false,
      });
    }
  });

  it("lets nobody settle another's reservation", async () => {
    const { client } = await startService(POLICY);
    const { reservation_id } = await client.authorize({ ...small, principal: ada });
    const settle = client.recordUsage({ reservation_id, principal: { ...ada, id: "bob" }, usage: {} });
    await expect(settle).rejects.toMatchObject({ code: 7 });
  });

  it("charges usage that no reservation stands behind, once, to whom it names", async () => {
    const { client } = await startService(POLICY);
    const report = {
      request_id: "late-1",
      principal: ada,
      model: "mistral-small-latest",
      usage: { input_tokens: 1000 },
    };
    expect(await client.recordUsage(report)).toMatchObject({
      cost_nano_usd: 150_000,
      unreserved: true,
      already_recorded: false,
    });
    expect(await client.recordUsage(report)).toMatchObject({ cost_nano_usd: 150_000, already_recorded: true });
    const { limits } = await client.checkBudget({ principal: ada });
    expect(limits.find((limit: Answer) => limit.name.endsWith("requests_per_minute"))).toMatchObject({ used: 1 });
    expect(limits.find((limit: Answer) => limit.name.endsWith("tokens_per_day"))).toMatchObject({ used: 1000 });
  });

  it("charges the estimate where usage is not known, and nothing but the request where the call failed", async () => {
    const { client } = await startService(POLICY);
    const settle = async (outcome: string) => {
      const { reservation_id } = await client.authorize({ ...small, principal: ada });
      return (await client.recordUsage({ reservation_id, outcome })).cost_nano_usd;
    };
    expect(await settle("OUTCOME_SUCCEEDED")).toBe(45_000);
    expect(await settle("OUTCOME_CANCELLED")).toBe(45_000);
    expect(await settle("OUTCOME_FAILED")).toBe(0);
    const { limits } = await client.checkBudget({ principal: ada });
    expect(limits.find((limit: Answer) => limit.name.endsWith("requests_per_minute"))).toMatchObject({
      used: 3,
      reserved: 0,
    });
    expect(limits.find((limit: Answer) => limit.name.endsWith("usd_per_hour"))).toMatchObject({ used: 90_000 });
  });

  it("charges more than was reserved whole, names the limit above its ceiling, and refuses the next call", async () => {
    const { client } = await startService(POLICY);
    const { reservation_id } = await client.authorize({ ...small, principal: eve });
    const settled = await client.recordUsage({ reservation_id, usage: { input_tokens: 5000 } });
    expect(settled.limits.map((limit: Answer) => limit.name)).toEqual([
      "workspaces.lab.tokens_per_day",
      "roles.crew.tokens_per_hour",
    ]);
    expect(settled.limits[1]).toMatchObject({ used: 5000, remaining: 0 });
    expect(await client.authorize({ ...small, principal: eve })).toMatchObject({
      reason: "REASON_TOKEN_BUDGET_EXCEEDED",
    });
  });
});

describe("CheckBudget", () => {
  it("gives every limit in order, the models, and who was meant", async () => {
    const { client } = await startService(POLICY);
    const answer = await client.checkBudget({ principal: { id: "reader" }, model: "mistral-embed" });
    expect(answer.limits.map((limit: Answer) => limit.name)).toEqual([
      "organization.usd_per_month",
      "workspaces.dev.requests_per_minute",
      "workspaces.dev.usd_per_hour",
      "roles.crew.tokens_per_hour",
    ]);
    expect(answer).toMatchObject({
      allowed_models: ["mistral-embed-2312"],
      principal: { id: "reader", role: "crew", workspace: "dev" },
      model_status: { model: "mistral-embed-2312", allowed: true, reason: "REASON_ALLOWED", input_token_nano_usd: 100 },
    });
    expect(answer.limits[0].resets_at).not.toBeNull();
  });

  it("tells a disabled principal what is left, and of a model that it is unknown", async () => {
    const { client } = await startService(POLICY);
    expect((await client.checkBudget({ principal: { id: "gone" }, model: "gpt-9" })).model_status).toMatchObject({
      model: "",
      allowed: false,
      reason: "REASON_MODEL_UNKNOWN",
    });
  });
});

describe("the source document's gateway", () => {
  const ROLES = {
    analyst: { models: ["mistral-small-latest", "mistral-embed"], cap: 500 },
    developer: { models: ["mistral-small-latest", "codestral-latest", "mistral-embed"], cap: 2000 },
    senior: {
      models: ["mistral-small-latest", "mistral-large-latest", "codestral-latest", "mistral-embed"],
      cap: 4000,
    },
    admin: { models: ["*"], cap: 8000 },
  } as const;
  const MODELS = [
    "mistral-small-latest",
    "mistral-large-latest",
    "codestral-latest",
    "mistral-embed",
    "mistral-medium-latest",
    "nope",
  ];

  it("decides like authorizeRequest for four roles, their models, and tokens around each cap", async () => {
    const policy = readFileSync(join(import.meta.dirname, "../../deploy/policy.yaml"), "utf8");
    const { client } = await startService(policy);
    for (const [role, { models, cap }] of Object.entries(ROLES)) {
      for (const model of MODELS) {
        for (const tokens of [1, 499, 500, 501, 1999, 2000, 2001, 3999, 4000, 4001, 7999, 8000, 8001]) {
          const output = model === "mistral-embed" ? 0 : 1;
          const answer = await client.authorize({
            principal: { id: "someone", role, workspace: "ml-workspace" },
            model,
            input_tokens: tokens - output,
            max_output_tokens: output,
            dry_run: true,
          });
          const isKnown = model !== "nope";
          const hasModel = models.some((allowed) => allowed === "*" || allowed === model);
          expect([role, model, tokens, answer.allowed]).toEqual([
            role,
            model,
            tokens,
            isKnown && hasModel && tokens <= cap,
          ]);
        }
      }
    }
  });

  it("has no role for a stranger", async () => {
    const policy = readFileSync(join(import.meta.dirname, "../../deploy/policy.yaml"), "utf8");
    const { client } = await startService(policy);
    const principal = { id: "someone", role: "intern", workspace: "ml-workspace" };
    expect(await client.authorize({ ...small, principal })).toMatchObject({
      allowed: false,
      reason: "REASON_UNKNOWN_ROLE",
    });
  });
});
