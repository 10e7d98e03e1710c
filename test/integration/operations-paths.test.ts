import { describe, expect, it } from "vitest";
import { type RunningProcess, revisionOf, startProcess } from "./running-process.js";

const POLICY = `version: 1
organization: acme
timezone: Europe/Paris
limits: { usd_per_month: 100 }
workspaces:
  dev: { models: ["*"], limits: { tokens_per_day: 1_000_000 } }
roles:
  developer: { models: ["*"], limits: { tokens_per_request: 5_000, tokens_per_hour: 10_000 } }
principals:
  indexer: { role: developer, workspace: dev, limits: { usd_per_day: 2 } }
`;
const ADA = { id: "ada", role: "developer", workspace: "dev" };
const QUESTION = { principal: ADA, model: "mistral-small-latest", input_tokens: 400, max_output_tokens: 100 };
const TIME = expect.stringMatching(/^2\d{3}-\d\d-\d\dT[\d:.]+Z$/);

async function get({ get: read }: RunningProcess, path: string) {
  const { status, text } = await read(path);
  return { status, body: JSON.parse(text) };
}

describe("the paths that the operations page reads", () => {
  it("tell of the process and its policy", async () => {
    const { status, body } = await get(await startProcess(POLICY), "/v1/overview");
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ...{ status: "ready", policy: "current", policy_revision: revisionOf(POLICY), store: "up", draining: false },
      ...{ organization: "acme", timezone: "Europe/Paris", policy_reloads: { ok: 0, failed: 0 }, faults: [] },
      ...{ now: TIME, started_at: TIME, policy_loaded_at: TIME },
    });
  });

  it("tell budgets as they stand, and which ones each principal of a role has", async () => {
    const process = await startProcess(POLICY);
    await process.client.authorize(QUESTION);
    const { body } = await get(process, "/v1/budgets");
    const listed = (await get(process, "/v1/limits")).body.limits;
    expect(body.limits).toEqual(listed.filter(({ principal }: { principal: string }) => principal === ""));
    expect(body.limits.map(({ name }: { name: string }) => name)).toEqual([
      "organization.usd_per_month",
      "workspaces.dev.tokens_per_day",
    ]);
    const limit = { metric: "METRIC_TOKENS", window: "WINDOW_HOUR", ceiling: "10000", shadow: false };
    expect(body.of_each_principal).toEqual([{ name: "roles.developer.tokens_per_hour", role: "developer", ...limit }]);
  });

  it("tell a denial, and decisions by outcome", async () => {
    const process = await startProcess(POLICY);
    const answer = await process.client.authorize({ ...QUESTION, request_id: "q1", input_tokens: 5_000 });
    const { body } = await get(process, "/v1/denials");
    expect(body.denials).toEqual([
      {
        ...{
          number: expect.stringMatching(/^\d{16}$/),
          time: TIME,
          principal: "ada",
          role: "developer",
          workspace: "dev",
        },
        ...{ model: "mistral-small-2603", reason: "request_too_large", message: answer.message, http_status: 422 },
        ...{ request_id: "q1", limits: ["roles.developer.tokens_per_request"] },
      },
    ]);
    const after = await get(process, `/v1/denials?after=${body.denials[0].number}`);
    expect(after.body.denials).toEqual([]);
    await expect
      .poll(async () => (await get(process, "/v1/decisions")).body.counts.request_too_large, { timeout: 5_000 })
      .toContain(1);
    const { step_seconds, from, counts } = (await get(process, "/v1/decisions?span=1h")).body;
    expect({ step_seconds, from }).toEqual({ step_seconds: 10, from: TIME });
    for (const told of Object.values(counts)) expect(told).toHaveLength(360);
  });

  it("tell one principal: its limits, as it was met last or as the policy names it, and its history", async () => {
    const process = await startProcess(POLICY);
    await process.client.authorize(QUESTION);
    const ada = (await get(process, "/v1/principals?id=ada")).body;
    expect(ada).toMatchObject({ principal: "ada", role: "developer", workspace: "dev", listed: false });
    expect(ada.limits.map(({ name, reserved }: Record<string, string>) => `${name} ${reserved}`)).toEqual([
      expect.stringMatching(/^organization\.usd_per_month \d+$/),
      "workspaces.dev.tokens_per_day 500",
      "roles.developer.tokens_per_hour 500",
      "roles.developer.tokens_per_request 0",
    ]);
    const asked = { model: "mistral-small-2603", input_tokens: "400", output_tokens: "100" };
    expect(ada.history).toEqual([
      { time: TIME, outcome: "allowed", workspace: "dev", ...asked, cost_nano_usd: expect.stringMatching(/^\d+$/) },
    ]);

    const indexer = (await get(process, "/v1/principals?id=indexer")).body;
    expect(indexer).toMatchObject({ role: "developer", workspace: "dev", listed: true, history: [] });
    expect(indexer.limits).toHaveLength(5);
  });

  it("say why the limits of a principal cannot be told", async () => {
    const process = await startProcess(POLICY);
    const missingOf = async (query: string) => {
      const { status, body } = await get(process, `/v1/principals?${query}`);
      expect([status, body.limits]).toEqual([200, null]);
      return body.limits_missing;
    };
    expect(await missingOf("id=never-met")).toMatch(/principal\.role/);
    expect(await missingOf("id=x&role=nobody&workspace=dev")).toMatch(/role nobody is not in the policy/);
    expect(await missingOf("id=indexer&role=developer&workspace=elsewhere")).toMatch(/indexer/);
  });
});
