import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { policyFile, runToEnd, startProcess } from "./running-process.js";
import { temporaryDirectory } from "./running-service.js";

/** Ten calls a day, of 1,000 tokens at the most each. */
const policyOf = (limits: string, role = "") => `
version: 1
workspaces: { dev: { models: ["*"], limits: { ${limits} } } }
roles: { crew: { models: ["*"] ${role} } }
`;
const AS_IT_WAS = policyOf("requests_per_day: 10, tokens_per_day: { ceiling: 7000, on_exceed: shadow }");

const call = {
  principal: { id: "ann", role: "crew", workspace: "dev" },
  model: "mistral-small-latest",
  input_tokens: 600,
  max_output_tokens: 400,
};

/** Have a service decide twelve calls, eight of which say that they used 700 tokens; four of bob's, and one unknown model. */
async function logOfService() {
  const file = join(temporaryDirectory(), "decisions.log");
  const running = await startProcess(AS_IT_WAS, { flags: ["--decision-log", file] });
  const { client } = running;
  for (let index = 0; index < 12; index++) {
    const principal = { ...call.principal, id: index % 3 === 0 ? "bob" : "ann" };
    const answer = await client.authorize({ ...call, principal, request_id: `r${index}` });
    expect(answer.allowed).toBe(index < 10);
    if (index >= 8) continue;
    await client.recordUsage({
      reservation_id: answer.reservation_id,
      principal,
      usage: { input_tokens: 600, output_tokens: 100 },
    });
  }
  // A repeat, a dry run, and a call that a rule refuses: none of them counts.
  expect(await client.authorize({ ...call, request_id: "r8" })).toMatchObject({ allowed: true });
  expect(await client.authorize({ ...call, dry_run: true })).toMatchObject({ allowed: false });
  expect(await client.authorize({ ...call, model: "gpt-4" })).toMatchObject({ allowed: false });
  const { text } = await running.get("/metrics");
  running.kill("SIGTERM");
  expect((await running.ended()).code).toBe(0);
  return { file, metrics: text };
}

async function replay(log: string, policy: string, flags: readonly string[] = []) {
  const { code, stdout, stderr } = await runToEnd(["policy", "replay", "--log", log, policyFile(policy), ...flags]);
  return { code, stdout, stderr };
}

async function outcomeOf(log: string, policy: string) {
  const { code, stdout, stderr } = await replay(log, policy, ["--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: [] });
  return JSON.parse(stdout);
}

describe("the decisions of a running service", () => {
  it("all stay what they were under the policy that made them, and exactly those turn that another one decides otherwise", async () => {
    const { file } = await logOfService();
    const same = await replay(file, AS_IT_WAS, ["--exit-code"]);
    expect(same).toMatchObject({ code: 0, stderr: [] });
    expect(same.stdout).toContain("blocked  0 of 10 calls that were allowed\n");
    expect(same.stdout).toContain("admitted 0 of 3 calls that were denied\n");
    expect(await outcomeOf(file, AS_IT_WAS)).toMatchObject({
      turns: false,
      decisions: 15,
      denied_both_times: { calls: 3, otherwise: 0 },
      not_compared: { repeats: 1 },
      dry_runs: { decisions: 1, turned: 0 },
    });

    // 700 used by each before: the sixth call finds 3,500 of 4,400 used, and so do all after it.
    const tighter = policyOf("requests_per_day: 10, tokens_per_day: 4400");
    expect((await replay(file, tighter, ["--exit-code"])).code).toBe(1);
    const { blocked, admitted, examples, by_principal } = await outcomeOf(file, tighter);
    expect(examples.map((one: { request_id: string }) => one.request_id)).toEqual(["r5", "r6", "r7", "r8", "r9"]);
    // Three that used 600 x 150 + 100 x 600 nano-USD; two that had reserved 600 x 150 + 400 x 600.
    expect(blocked).toEqual({
      calls: 5,
      cost_nano_usd: String(3 * 150_000 + 2 * 330_000),
      estimated_calls: 2,
      estimated_cost_nano_usd: String(2 * 330_000),
    });
    expect(admitted.calls).toBe(0);
    expect(
      by_principal.map((one: { principal: string; blocked: { calls: number } }) => [one.principal, one.blocked.calls]),
    ).toEqual([
      ["ann", 3],
      ["bob", 2],
    ]);

    const looser = await outcomeOf(file, policyOf("requests_per_day: 11"));
    expect(looser).toMatchObject({ blocked: { calls: 0 }, admitted: { calls: 1, cost_nano_usd: "330000" } });
    expect(looser.examples).toMatchObject([{ request_id: "r10", limit: "workspaces.dev.requests_per_day" }]);
    const larger = await outcomeOf(file, policyOf("requests_per_day: 10", ", limits: { tokens_per_request: 999 }"));
    expect(larger.by_cause).toMatchObject([
      { limit: "roles.crew.tokens_per_request", reason: "request_too_large", calls: 10 },
    ]);
  });

  it("are replayed but for a line that a crash tore, which is said", async () => {
    const { file } = await logOfService();
    const text = readFileSync(file, "utf8");
    const lines = text.split("\n").length - 1;
    writeFileSync(file, text.slice(0, -40));
    const { code, stdout, stderr } = await replay(file, AS_IT_WAS);
    expect(code).toBe(0);
    expect(stderr).toEqual([`${file}:${lines}: warning: skipped, because it is cut off, or no JSON object`]);
    expect(stdout).toContain("14 decisions from");
    expect(stdout).toContain("* 1 line that could not be read: skipped");
  });

  it("name the limits in shadow that would have denied them, in the log and in the metrics", async () => {
    const { file, metrics } = await logOfService();
    const limit = "workspaces.dev.tokens_per_day";
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    const named = lines.map((line) => JSON.parse(line)).filter((line) => line.shadow_denials?.includes(limit));
    // Eight used 5,600 and one holds 1,000: from the tenth call on, there is no room for another 1,000 below 7,000.
    expect(named.map((line) => [line.request_id, line.allowed])).toEqual([
      ["r9", true],
      ["r10", false],
      ["r11", false],
      [expect.any(String), false],
    ]);
    expect(named[3]).toMatchObject({ dry_run: true });
    expect(metrics).toContain(`windbreak_shadow_denials_total{limit="${limit}"} 3`);
  });
});
