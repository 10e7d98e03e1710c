import fc from "fast-check";
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";

// lru-cache takes hold of `performance` when it is loaded: time must be in the test's hands before that.
vi.hoisted(() => {
  vi.useFakeTimers();
});

import type { ReserveResult } from "../../../../src/app/ports.js";
import { RefusalMemory } from "../../../../src/counters/redis/refusal-memory.js";
import type { PolicyWords } from "../../../support/policy-words.js";
import type { Ask } from "../../../support/stage.js";
import { cellOf, type LotWords, slidingCellOf, stateOf } from "./bytes.js";
import { type Calls, callsUnder } from "./reserve-of.js";

const DAILY = { "roles.developer.tokens_per_day": 100 };

beforeEach(() => {
  vi.advanceTimersByTime(10_000);
});
afterAll(() => {
  vi.useRealTimers();
});

/** Calls under some limits, and a memory of what the store said of them at noon. */
function stageOf(words: PolicyWords, keptMs = 1_000) {
  const calls = callsUnder(words);
  const memory = new RefusalMemory(keptMs);
  const windows = calls.calendar.at(calls.clock.now());
  const keep = (...cells: readonly (Buffer | null)[]) => {
    memory.keep(calls.account, { values: [stateOf(windows), ...cells], now: calls.clock.now() });
  };
  const refuse = (ask: Ask = {}) => memory.refuse(calls.reserveOf(ask), calls.account);
  return { ...calls, memory, keep, refuse, windows };
}

/** The day's cell of the developer's tokens. */
function dayCell({ calendar, clock }: Calls, used: number, ...lots: readonly LotWords[]): Buffer {
  return cellOf(calendar.at(clock.now()).day.label, used, ...lots);
}

function kindOf(result: ReserveResult | undefined): string | undefined {
  return result?.kind;
}

describe("what is remembered of a refusal", () => {
  it("refuses what settled use leaves no room for, exactly to the edge", () => {
    const stage = stageOf({ limits: DAILY });
    stage.keep(dayCell(stage, 90));
    const asks = [1, 9, 10, 11, 100].map((input) => kindOf(stage.refuse({ input })));
    expect(asks).toEqual([undefined, undefined, undefined, "refused", "refused"]);
    expect(stage.memory.answered).toBe(2);
  });

  it("answers as the store would: every counter, when it resets and when there is room", () => {
    const stage = stageOf({ limits: { ...DAILY, "organization.requests_per_day": 50 } });
    const ends = stage.clock.now() + 60_000;
    stage.keep(dayCell(stage, 3), dayCell(stage, 98, { amount: 2, ends, givesBack: true }));
    const turnsAt = stage.windows.day.end;
    expect(stage.refuse({ input: 3 })).toEqual({
      kind: "refused",
      shadowDenials: [],
      readings: [
        { used: 3, reserved: 0, resetsAt: turnsAt, refuses: false, freesAt: undefined },
        { used: 98, reserved: 2, resetsAt: turnsAt, refuses: true, freesAt: turnsAt },
      ],
    });
  });

  it("names limits in shadow that refuse too, after those that were held already", () => {
    const limits = { ...DAILY, "organization.requests_per_day": { ceiling: 2, shadow: true } };
    const stage = stageOf({ limits });
    stage.keep(dayCell(stage, 2), dayCell(stage, 100));
    const held = ["workspaces.dev.tokens_per_request"];
    expect(stage.refuse({ shadowDenials: held })).toMatchObject({
      kind: "refused",
      shadowDenials: [...held, "organization.requests_per_day"],
    });
  });

  it("counts nothing that is merely reserved, even what has ended since the store was heard", () => {
    const stage = stageOf({ limits: DAILY });
    const ends = stage.clock.now() + 500;
    stage.keep(dayCell(stage, 0, { amount: 100, ends }, { amount: 40, ends, givesBack: true }));
    expect(stage.refuse({ input: 1 })).toBeUndefined();
    stage.clock.advance(900);
    expect(stage.refuse({ input: 1 })).toBeUndefined();
    expect(stage.memory.answered).toBe(0);
  });

  it("never refuses for calls in flight, which may end at any time", () => {
    const stage = stageOf({ limits: { "roles.developer.concurrent_requests": 1 } });
    stage.keep(cellOf(0, 0, { amount: 1, ends: stage.clock.now() + 900_000, givesBack: true }));
    expect(stage.refuse()).toBeUndefined();
  });

  it("never refuses by a limit in shadow", () => {
    const stage = stageOf({ limits: { "roles.developer.tokens_per_day": { ceiling: 100, shadow: true } } });
    stage.keep(dayCell(stage, 1_000));
    expect(stage.refuse()).toBeUndefined();
  });

  it("refuses by a ceiling of 0 though nothing was counted", () => {
    const stage = stageOf({ limits: { "roles.developer.tokens_per_day": 0 } });
    stage.keep(null);
    expect(stage.refuse({ input: 0 })).toMatchObject({ kind: "refused", readings: [{ used: 0, freesAt: undefined }] });
  });

  it("never admits, whatever was counted", () => {
    const amount = fc.oneof(fc.nat({ max: 200 }), fc.maxSafeNat());
    const property = fc.property(amount, amount, fc.nat({ max: 200 }), (used, reserved, input) => {
      const stage = stageOf({ limits: DAILY });
      stage.keep(dayCell(stage, used, { amount: reserved, ends: stage.clock.now() + 900_000 }));
      expect(kindOf(stage.refuse({ input }))).toBe(used + input > 100 ? "refused" : undefined);
    });
    fc.assert(property, { seed: 1 });
  });
});

describe("what slides", () => {
  it("refuses until enough has slid out, to the millisecond, and then asks the store", () => {
    const stage = stageOf({ limits: { "roles.developer.tokens_per_second": 100 } });
    const step = Math.floor(stage.clock.now() / 100) - 5;
    stage.keep(slidingCellOf({ amount: 60, step }, { amount: 40, step: step + 1 }));
    const leaves = (step + 11) * 100;
    const kinds = [stage.clock.now(), leaves - 1, leaves, leaves].map((now, nth) => {
      stage.clock.moveTo(now);
      return kindOf(stage.refuse({ input: nth === 3 ? 61 : 60 }));
    });
    expect(kinds).toEqual(["refused", "refused", undefined, "refused"]);
  });

  it("of a calendar window is gone when the window turns", () => {
    const stage = stageOf({ limits: { "roles.developer.tokens_per_hour": 100 } });
    stage.clock.moveTo("2026-03-10T12:59:59.900Z");
    stage.keep(cellOf(stage.windows.hour.label, 100));
    expect(kindOf(stage.refuse())).toBe("refused");
    stage.clock.advance(99);
    expect(kindOf(stage.refuse())).toBe("refused");
    stage.clock.advance(1);
    expect(stage.refuse()).toBeUndefined();
  });
});

describe("the memory of refusals", () => {
  function full(keptMs = 1_000) {
    const stage = stageOf({ limits: DAILY }, keptMs);
    stage.keep(dayCell(stage, 100));
    return stage;
  }

  it("lasts as long as it is told from what the store said, however often it was asked meanwhile", () => {
    const stage = full();
    const kinds = [0, 500, 499].map((ms) => {
      vi.advanceTimersByTime(ms);
      return kindOf(stage.refuse());
    });
    expect(kinds).toEqual(["refused", "refused", "refused"]);
    vi.advanceTimersByTime(2);
    expect(stage.refuse()).toBeUndefined();
    expect(stage.memory.answered).toBe(3);
    stage.keep(dayCell(stage, 100));
    expect(kindOf(stage.refuse())).toBe("refused");
  });

  it("is none where it is told to last for no time", () => {
    const stage = full(0);
    expect([stage.refuse(), stage.memory.answered]).toEqual([undefined, 0]);
  });

  it("says nothing of a call with a request_id, which may be remembered as admitted; of a dry run it does", () => {
    const stage = full();
    expect(stage.refuse({ id: "r-1" })).toBeUndefined();
    expect(kindOf(stage.refuse({ id: "r-1", dryRun: true }))).toBe("refused");
    expect(kindOf(stage.refuse({ dryRun: true }))).toBe("refused");
  });

  it("goes by what the store said last", () => {
    const stage = full();
    stage.keep(dayCell(stage, 50));
    expect(stage.refuse()).toBeUndefined();
  });

  it("is of one account: another, of a new policy too, must ask", () => {
    const stage = full();
    const other = callsUnder({ limits: DAILY });
    expect(stage.memory.refuse(other.reserveOf(), other.account)).toBeUndefined();
    expect(kindOf(stage.refuse())).toBe("refused");
  });
});
