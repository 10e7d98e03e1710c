import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { startProcess } from "./running-process.js";
import { statusOf } from "./running-service.js";

const POLICY = `version: 1
workspaces:
  dev: { models: ["*"], limits: { requests_per_day: 100 } }
  lab: { models: ["*"] }
roles:
  crew: { models: ["*"] }
  boss: { models: ["*"] }
principals:
  robot: { role: crew, workspace: dev }
  rabbit: { role: boss, workspace: lab }
`;
const PERMISSION_DENIED = 7;
const small = { model: "mistral-small-latest", input_tokens: 1, max_output_tokens: 1 };
const fixed = { flags: ["--identity", "fixed:robot"] };

describe("--identity fixed:ID", () => {
  it("takes every caller for that principal, whether it is named or not", async () => {
    const { client } = await startProcess(POLICY, fixed);
    const { reservation_id } = await client.authorize(small);
    await client.authorize({ ...small, principal: { id: "robot", role: "crew", workspace: "dev" } });
    await client.recordUsage({ reservation_id, usage: { input_tokens: 1 } });
    expect(await client.checkBudget({})).toMatchObject({
      principal: { id: "robot", role: "crew", workspace: "dev" },
      limits: [{ name: "workspaces.dev.requests_per_day", used: 1, reserved: 1 }],
    });
  });

  it.each([
    ["id", { id: "rabbit" }, "principal.id: rabbit "],
    ["id that the policy does not list", { id: "ann", role: "crew", workspace: "dev" }, "principal.id: ann "],
    ["role", { role: "boss" }, "principal.role: boss "],
    ["workspace", { id: "robot", workspace: "lab" }, "principal.workspace: lab "],
  ])("denies a caller that claims another %s", async (_, principal, details) => {
    const { client } = await startProcess(POLICY, fixed);
    const denied = { code: PERMISSION_DENIED, details: expect.stringContaining(details) };
    expect(await statusOf(client.authorize({ ...small, principal }))).toEqual(denied);
    expect(await statusOf(client.checkBudget({ principal }))).toEqual(denied);
    expect(await statusOf(client.recordUsage({ request_id: "r1", principal, usage: {} }))).toEqual(denied);
  });

  it("keeps the policy in force when a reload would remove that principal", async () => {
    const { client, file, line, get } = await startProcess(POLICY, fixed);
    const { policy_revision } = await client.authorize(small);
    writeFileSync(file, POLICY.replace("robot:", "hare:"));
    await line(/ error .*stays in force: .*robot is not listed, but --identity fixed:robot makes it every caller/);
    expect(JSON.parse((await get("/readyz")).text)).toMatchObject({ policy: "stale", policy_revision });
    expect(await client.authorize(small)).toMatchObject({ allowed: true, policy_revision });
  });
});
