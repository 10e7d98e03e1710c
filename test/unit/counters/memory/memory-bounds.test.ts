import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { MemoryStore } from "../../../../src/counters/memory/memory-store.js";
import { DAYS_KEPT } from "../../../../src/domain/day.js";
import { FakeClock } from "../../../support/fake-clock.js";
import { seededRandom24 } from "../../../support/seeded-random.js";
import { Stage } from "../../../support/stage.js";

const PRINCIPALS = 100_000;
const ROUNDS = 4;
const MEGABYTE = 1 << 20;

const limits = {
  "organization.usd_per_month": 1e12,
  "roles.developer.requests_per_second": 5,
  "roles.developer.tokens_per_minute": 100,
  "roles.developer.tokens_per_day": 1_000,
  "roles.developer.concurrent_requests": 5,
};

/** Everyone comes once: some settle, some are given back, some expire, and some report what was never reserved. */
async function comeAndGo(stage: Stage, store: MemoryStore, round: number): Promise<void> {
  const { clock } = stage;
  const ask = stage.reserveOf({ input: 3, output: 2 });
  const { standing } = ask.account.caller;
  for (let i = 0; i < PRINCIPALS / ROUNDS; i++) {
    const principal = `caller-${round}-${i}`;
    const counters = ask.account.caller.counters.map((counter) => ({
      ...counter,
      key: counter.key.replace(/ann$/, principal),
    }));
    const account = store.open({ principal, standing, counters });
    const { calendar } = stage;
    const now = clock.now();
    const result = store.reserve({ ...ask, account, calendar, now, requestId: i % 2 === 0 ? `job-${round}-${i}` : "" });
    if (result.kind !== "admitted") throw new Error(`principal ${i} was not admitted`);
    const { reservationId } = result.grant;
    const anyone = { principal: undefined, workspace: undefined };
    if (i % 4 === 0)
      store.settle({
        name: { reservationId },
        claimant: anyone,
        usage: undefined,
        outcome: "succeeded",
        now,
        calendar,
      });
    if (i % 4 === 1) store.release({ reservationId, forget: i % 8 === 1, now, calendar });
    if (i % 4 === 2)
      store.charge({ account, plan: ask.plan, amounts: ask.worst, key: { requestId: "r" }, now, calendar });
    if (i % 100 === 0) clock.advance(10);
    // What is held weakly goes between turns of the event loop only; in a server each call is a turn of its own.
    if (i % 1_000 === 0) await setImmediate();
  }
}

setFlagsFromString("--expose-gc");
const collectGarbage: unknown = runInNewContext("gc");

async function heldBytes(): Promise<number> {
  if (typeof collectGarbage !== "function") throw new Error("this Node.js does not let its garbage be collected");
  for (let turn = 0; turn < 3; turn++) {
    await setImmediate();
    collectGarbage();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe("principals that come and go", () => {
  it("leave nothing behind once their windows, records and days have passed, and no more memory each time", async () => {
    const store = new MemoryStore(seededRandom24(1));
    const stage = new Stage(store, new FakeClock("2026-03-10T12:00:00Z"), { limits });
    const held: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await comeAndGo(stage, store, round);
      expect(store.stats(stage.clock.now()).counters).toBeGreaterThan(PRINCIPALS / ROUNDS);
      store.sweep(PRINCIPALS * 4, stage.calendar, stage.clock.now());
      stage.clock.advance(DAYS_KEPT * 86_400_000);
      store.sweep(PRINCIPALS * 4, stage.calendar, stage.clock.now());
      expect(store.stats(stage.clock.now())).toMatchObject({ open: 0, remembered: 0, counters: 0 });
      held.push(await heldBytes());
    }
    const [first = 0, last = 0] = [held[0], held.at(-1)];
    expect(last - first).toBeLessThan(MEGABYTE);
  });
});
