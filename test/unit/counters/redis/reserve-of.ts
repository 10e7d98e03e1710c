import type { Reserve } from "../../../../src/app/ports.js";
import { MemoryStore } from "../../../../src/counters/memory/memory-store.js";
import { RedisAccount } from "../../../../src/counters/redis/redis-account.js";
import type { Calendar } from "../../../../src/domain/window.js";
import { FakeClock } from "../../../support/fake-clock.js";
import type { PolicyWords } from "../../../support/policy-words.js";
import { seededRandom24 } from "../../../support/seeded-random.js";
import { type Ask, Stage } from "../../../support/stage.js";

/** Calls as the Redis store is told them, without a store that answers. */
export interface Calls {
  readonly account: RedisAccount;
  readonly calendar: Calendar;
  readonly clock: FakeClock;
  readonly reserveOf: (ask?: Ask) => Reserve;
}

/** Calls of ann, a developer in dev, at noon of 2026-03-10 UTC. */
export function callsUnder(words: PolicyWords = {}): Calls {
  const clock = new FakeClock("2026-03-10T12:00:00Z");
  const stage = new Stage(new MemoryStore(seededRandom24(1)), clock, words);
  const account = new RedisAccount(stage.caller());
  const reserveOf = (ask: Ask = {}): Reserve => ({ ...stage.reserveOf(ask), account });
  return { account, calendar: stage.calendar, clock, reserveOf };
}
