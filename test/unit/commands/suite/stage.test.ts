import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seedOf } from "../../../../src/commands/suite/given.js";
import { limitsIn } from "../../../../src/commands/suite/limits-in.js";
import { SuiteStage } from "../../../../src/commands/suite/stage.js";
import { LIMIT_KEYS } from "../../../../src/domain/limit.js";
import { MAX_AMOUNT } from "../../../../src/domain/units.js";
import { ONE } from "../../../../src/policy/number-text.js";
import { policyOf } from "../../policy/written.js";

const counted = [...LIMIT_KEYS.keys()].filter((key) => !key.endsWith("_per_request"));
const limits = `{ ${counted.map((key) => `${key}: 1_000`).join(", ")} }`;
const shared = `{ ${counted.map((key) => `${key}: { ceiling: 1_000, shared_by: role }`).join(", ")} }`;
const policy = policyOf(`version: 1
limits: ${limits}
workspaces: { dev: { models: ["*"], limits: ${limits} } }
roles: { junior: { models: ["*"], limits: ${limits} }, crew: { models: ["*"], limits: ${shared} } }
principals:
  ann.of.dev: { role: junior, workspace: dev, limits: ${limits} }
  bob: { role: crew, workspace: dev }
`);
const all = [...limitsIn(policy).values()];

describe("the counters of a case", () => {
  test("hold just what is given, each for itself", async () => {
    const given = fc.record({
      limit: fc.constantFrom(...all),
      amount: fc.oneof(fc.nat(), fc.integer({ min: MAX_AMOUNT - 1_000, max: MAX_AMOUNT }), fc.constant(0)),
      at: fc.integer({ min: Date.UTC(2026, 0), max: Date.UTC(2027, 0) }),
    });
    await fc.assert(
      fc.asyncProperty(given, async ({ limit, amount, at }) => {
        const stage = new SuiteStage(policy, at);
        const first = { principal: limit.name.startsWith("roles.crew") ? "bob" : "ann.of.dev" };
        const used = BigInt(amount) * (limit.metric === "usd" ? 1n : ONE);
        const seed = seedOf({ path: [], said: { used }, limit, stage, first });
        if (!("counter" in seed)) throw new Error(seed.what);
        stage.use(seed.counter, seed.amount, seed.reservationTtlMs);

        const reports = await stage.limitsOf(first);
        const filled = reports.filter((one) => one.used + one.reserved > 0);
        const isInFlight = limit.window === "in_flight";
        const expected = { used: isInFlight ? 0 : amount, reserved: isInFlight ? amount : 0 };
        expect(filled).toMatchObject(amount > 0 ? [{ limit: { name: limit.name }, ...expected }] : []);
        expect(reports.map((one) => one.limit.name)).toContain(limit.name);
      }),
      { numRuns: 300 },
    );
  });

  test("let go of calls under way when reservations end", async () => {
    const stage = new SuiteStage(policy, Date.UTC(2026, 0));
    const limit = all.find(({ name }) => name === "organization.concurrent_requests");
    if (!limit) throw new Error("the policy has this limit");
    const first = { principal: "bob" };
    const seed = seedOf({ path: [], said: { used: 3n * ONE }, limit, stage, first });
    if (!("counter" in seed)) throw new Error(seed.what);
    stage.use(seed.counter, seed.amount, seed.reservationTtlMs);
    const open = async () => (await stage.limitsOf(first)).find((one) => one.limit === limit)?.reserved;
    stage.wait(900_000 - 1);
    expect(await open()).toBe(3);
    stage.wait(450_001);
    expect(await open()).toBe(0);
  });
});
