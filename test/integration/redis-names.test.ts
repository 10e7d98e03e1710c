import { expect, it } from "vitest";
import { describeWith } from "../support/redis/describe-with.js";
import { startRedis } from "../support/redis/redis-server.js";
import { POLICY, principal, question, standing } from "./redis-calls.js";
import { timesToLive } from "./redis-keys.js";
import { startShared } from "./redis-service.js";

/** Ids that would meet where they were joined, matched as patterns, or read as fields. */
const ODD = [
  "a",
  "a:b",
  "a:",
  ":a",
  "a|b",
  "~",
  "#",
  "*",
  "?",
  "[x]",
  "x",
  "s",
  "p:a",
  "probe",
  "..",
  "/",
  "%20",
  "-",
  "0",
  "a,b",
  "$(x)",
  "'",
  "`",
  "x".repeat(128),
  "x".repeat(127),
];

describeWith(["redis-server"], "names in a shared store", () => {
  it("never meet, whatever characters principals and request_ids are made of", async () => {
    const server = await startRedis();
    const service = await startShared(POLICY, server.url, { timeoutMs: 2_000 });
    const { client } = service;
    for (const [nth, id] of ODD.entries()) {
      // So many that each count is one principal's alone.
      for (let call = 0; call <= nth; call += 1) {
        const answer = await client.authorize(question({ id, role: "many" }, ODD[call]));
        expect(answer).toMatchObject({ allowed: true, request_id: ODD[call] });
      }
    }
    for (const [nth, id] of ODD.entries()) {
      expect(await standing(client, { id, role: "many" })).toMatchObject({ used: 0, reserved: nth + 1 });
    }
    for (const [nth, id] of ODD.entries()) {
      const report = { request_id: ODD[0], principal: principal({ id, role: "many" }), usage: { input_tokens: 1 } };
      expect(await client.recordUsage(report)).toMatchObject({ already_recorded: false, unreserved: false });
      expect(await standing(client, { id, role: "many" })).toMatchObject({ used: 1, reserved: nth });
    }
    const listed = await listedIds(service.get);
    expect(listed).toEqual(ODD.flatMap((id, nth) => ODD.slice(1, nth + 1).map((name) => `${id} ${name}`)).sort());
  });

  it("never meet among usages without a reservation", async () => {
    const server = await startRedis();
    const { client } = await startShared(POLICY, server.url, { timeoutMs: 2_000 });
    const usage = { input_tokens: 1 };
    for (const id of ODD) {
      for (const name of ODD.slice(0, 5)) {
        const base = { principal: principal({ id, role: "many" }), model: "even", usage };
        expect(await client.recordUsage({ ...base, request_id: name })).toMatchObject({ already_recorded: false });
      }
      const base = { principal: principal({ id, role: "many" }), model: "even", usage };
      expect(await client.recordUsage({ ...base, reservation_id: id })).toMatchObject({ already_recorded: false });
      expect(await standing(client, { id, role: "many" })).toMatchObject({ used: 6, reserved: 0 });
    }
  });

  it("expire, all of them, after reserving, settling, failing, resending, refusing and charging", async () => {
    const server = await startRedis();
    const { client } = await startShared(POLICY, server.url, { timeoutMs: 2_000 });
    for (const role of ["requests", "tokens", "money", "quick", "mixed"] as const) {
      for (const workspace of ["strict", "returning"] as const) {
        const who = { id: `${role}-ann`, role, workspace };
        const answers = await Promise.all(
          Array.from({ length: 25 }, (_, nth) => client.authorize(question(who, `r${nth}`))),
        );
        const [settled, failed, resent] = answers.filter(({ allowed }) => allowed);
        const usage = { input_tokens: 1 };
        await client.recordUsage({ reservation_id: settled.reservation_id, usage });
        await client.recordUsage({ reservation_id: failed.reservation_id, outcome: "OUTCOME_FAILED" });
        await client.authorize(question(who, resent.request_id));
        await client.recordUsage({ request_id: "unknown", principal: principal(who), model: "even", usage });
        await client.authorize({ ...question(who), dry_run: true });
        await client.checkBudget({ principal: principal(who) });
      }
    }
    const left = await timesToLive(server);
    expect(left.size).toBeGreaterThan(50);
    expect([...left].filter(([, ms]) => ms <= 0)).toEqual([]);
    expect([...left].filter(([key]) => !key.startsWith("wb1:{acme}:"))).toEqual([]);
    const SIXTY_FOUR_DAYS_MS = 64 * 86_400_000;
    expect(Math.max(...left.values())).toBeLessThanOrEqual(SIXTY_FOUR_DAYS_MS);
  });
});

/** Principal and request_id of every open reservation, sorted, by all pages. */
async function listedIds(get: (path: string) => Promise<{ readonly text: string }>): Promise<readonly string[]> {
  const found: string[] = [];
  for (let after = ""; ; ) {
    const page = JSON.parse((await get(`/v1/reservations?after=${after}`)).text);
    for (const one of page.reservations) found.push(`${one.principal} ${one.request_id}`);
    if (!page.next) return found.sort();
    after = page.next;
  }
}
