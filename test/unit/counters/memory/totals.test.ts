import { describe, expect, it } from "vitest";
import type { Total } from "../../../../src/app/ports.js";
import { MemoryStore } from "../../../../src/counters/memory/memory-store.js";
import { StoreState } from "../../../../src/counters/memory/store-state.js";
import { Totals } from "../../../../src/counters/memory/totals.js";
import { DAYS_KEPT } from "../../../../src/domain/day.js";
import { FakeClock } from "../../../support/fake-clock.js";
import { seededRandom24 } from "../../../support/seeded-random.js";
import { Stage } from "../../../support/stage.js";

const DAY = 20_522;
const used = (requests: number) => ({ requests, inputTokens: requests, outputTokens: 0, cost: 0 });
const rows = (totals: Totals, day = DAY): readonly Total[] => totals.page(day, { after: "", limit: 100 }, 0).totals;

const NO_LOG = {
  turned: () => undefined,
  reserved: () => undefined,
  repeated: () => undefined,
  settled: () => undefined,
  released: () => undefined,
  charged: () => undefined,
};

/** A store whose days have room for so many rows. */
function stageOf(mostRows: number): Stage {
  const random = seededRandom24(1);
  const store = new MemoryStore(random, { state: new StoreState(random, new Totals(mostRows)), log: NO_LOG });
  return new Stage(store, new FakeClock("2026-03-10T12:00:00Z"), { workspaces: { prod: {} } });
}

describe("a day that has no room for more rows", () => {
  it("counts further principals together, by workspace and model, and whoever has a row as before", async () => {
    const stage = stageOf(2);
    for (const [nth, as] of ["ann", "bob", "cy", "dan", "ann", "cy"].entries()) {
      const { grant } = await stage.admit({ as, input: 10 ** nth });
      await stage.record({ as, reservation: grant.reservationId });
    }
    const { grant } = await stage.admit({ as: "eve", workspace: "prod", input: 7 });
    await stage.record({ as: "eve", workspace: "prod", reservation: grant.reservationId });
    expect(await stage.totals("2026-03-10")).toEqual({
      "dev ann small-1": "2 10001 0 20002",
      "dev bob small-1": "1 10 0 20",
      "dev  small-1": "3 101100 0 202200",
      "prod  small-1": "1 7 0 14",
    });
  });

  it("counts there what expired, what came late, and what no reservation stood behind", async () => {
    const stage = stageOf(1);
    await stage.admit({ as: "ann" });
    const { grant } = await stage.admit({ as: "bob", input: 10 });
    await stage.admit({ as: "cy", input: 100 });
    stage.clock.advance(900_000);
    await stage.record({ as: "bob", reservation: grant.reservationId, usage: { inputTokens: 30 } });
    await stage.charge({ as: "dan", request: "r", amounts: { inputTokens: 1_000 } });
    expect(await stage.totals("2026-03-10")).toEqual({ "dev ann small-1": "1 1 0 2", "dev  small-1": "3 1130 0 260" });
  });
});

describe("days", () => {
  it("are kept for so many, and no longer", () => {
    const totals = new Totals();
    const place = { day: DAY, key: "dev ann small-1" };
    totals.use(place, used(1), 0);
    totals.turnTo(DAY + DAYS_KEPT - 1);
    expect(rows(totals)).toHaveLength(1);
    totals.turnTo(DAY + DAYS_KEPT);
    expect(rows(totals)).toEqual([]);
    totals.use(place, used(1), 0);
    expect(rows(totals)).toEqual([]);
  });

  it("may go while they are gone through", () => {
    const totals = new Totals();
    for (const key of ["a a a", "a b a", "a c a"]) totals.use({ day: DAY, key }, used(1), 0);
    totals.use({ day: DAY + DAYS_KEPT, key: "a d a" }, used(1), 0);
    const found: string[] = [];
    for (const place of totals.places()) {
      if (totals.stateOf(place)) found.push(place.key);
      totals.turnTo(DAY + DAYS_KEPT);
    }
    expect(found).toEqual(["a a a", "a d a"]);
  });

  it("are restored with what will expire, whatever stood there", () => {
    const [from, to] = [new Totals(), new Totals()];
    const place = { day: DAY, key: "dev ann small-1" };
    const amounts = { inputTokens: 3, outputTokens: 2, cost: 1 };
    from.use(place, used(4), 0);
    for (const ends of [50, 70, 50]) from.hold(place, amounts, ends, 0);
    to.hold(place, amounts, 10, 0);
    const state = from.stateOf(place);
    if (!state) throw new Error("there is no row");
    to.restore(place, state);
    expect(to.stateOf(place)).toEqual(state);
    const at = (now: number) => to.page(DAY, { after: "", limit: 1 }, now).totals[0]?.requests;
    expect([at(49), at(50), at(69), at(70)]).toEqual([4, 6, 6, 7]);
  });
});
