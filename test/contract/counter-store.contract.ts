import { describe, onTestFinished } from "vitest";
import type { Clock, CounterStore, MaybePromise } from "../../src/app/ports.js";
import { FakeClock } from "../support/fake-clock.js";
import { Stage } from "../support/stage.js";
import { amounts } from "./counter-store/amounts.js";
import { calendarWindows } from "./counter-store/calendar-windows.js";
import { ceilings } from "./counter-store/ceilings.js";
import { concurrency } from "./counter-store/concurrency.js";
import { counterKeys } from "./counter-store/counter-keys.js";
import { lateSettlement } from "./counter-store/late-settlement.js";
import { laws } from "./counter-store/laws.js";
import { openReservations } from "./counter-store/open-reservations.js";
import { readings } from "./counter-store/readings.js";
import { release } from "./counter-store/release.js";
import { reload } from "./counter-store/reload.js";
import { requestIds } from "./counter-store/request-ids.js";
import { settlement } from "./counter-store/settlement.js";
import { shadow } from "./counter-store/shadow.js";
import { slidingWindows } from "./counter-store/sliding-windows.js";
import type { StageOf } from "./counter-store/stage-of.js";
import { totals } from "./counter-store/totals.js";
import { unreservedCharges } from "./counter-store/unreserved-charges.js";

/** An empty store, and how to be rid of it. */
export interface StoreUnderTest {
  readonly store: CounterStore;
  readonly close?: () => MaybePromise<void>;
}

/** Make an empty store whose time is the clock's: a store that has a clock of its own must take this one instead. */
export type MakeStore = (clock: Clock) => MaybePromise<StoreUnderTest>;

/** How much of chance the laws are tried with. */
export interface Effort {
  readonly runs: number;
}

const isLong = process.env["WINDBREAK_LONG_TESTS"] === "1";
/** How much more of chance the long run of the tests tries. */
const LONGER = 5;

const A_TUESDAY = "2026-03-10T12:00:00Z";

/** Hold a CounterStore to the contract: all that follows speaks through the port only. */
export function counterStoreContract(name: string, makeStore: MakeStore, { runs }: Effort = { runs: 300 }): void {
  describe(`the contract of a counter store, held by ${name}`, () => {
    const stageOf: StageOf = async (words, start = A_TUESDAY) => {
      const clock = new FakeClock(start);
      const { store, close } = await makeStore(clock);
      return new Stage(store, clock, words, close);
    };
    const stageOfTest: StageOf = async (words, start) => {
      const stage = await stageOf(words, start);
      onTestFinished(() => stage.close());
      return stage;
    };

    for (const part of [
      ceilings,
      shadow,
      slidingWindows,
      calendarWindows,
      concurrency,
      requestIds,
      settlement,
      lateSettlement,
      unreservedCharges,
      release,
      readings,
      openReservations,
      counterKeys,
      reload,
      amounts,
      totals,
    ]) {
      part(stageOfTest);
    }
    laws(stageOf, isLong ? LONGER * runs : runs);
  });
}
