import { LRUCache } from "lru-cache";
import type { Reserve, ReserveResult } from "../../app/ports.js";
import { chargeOf, fits } from "../../domain/charges.js";
import type { Millis } from "../../domain/units.js";
import { type Cells, readingsOf } from "./readings.js";
import type { RedisAccount } from "./redis-account.js";
import { isNamed, refusedWith } from "./refusal.js";

/** Callers who flood past their limits. Beyond it the store is asked again. */
const KEPT_CALLERS = 10_000;

/**
 * Remembers, for a moment, that what a caller has settled leaves no room, so that a flood of calls that can only be
 * refused costs the store one call a second.
 *
 * It never admits. What is merely reserved does not count, because it may be given back at any time; what is settled is
 * not. Accounts belong to a policy's snapshot, so a reload forgets all of it.
 */
export class RefusalMemory {
  readonly #kept: LRUCache<RedisAccount, Cells> | undefined;
  #answered = 0;

  /** @param keptMs how long a refusal is remembered; 0: not at all. */
  constructor(keptMs: Millis) {
    this.#kept = keptMs > 0 ? new LRUCache({ max: KEPT_CALLERS, ttl: keptMs }) : undefined;
  }

  /** How many calls were refused without the store. */
  get answered(): number {
    return this.#answered;
  }

  /** Keep what the store refused by. */
  keep(account: RedisAccount, cells: Cells): void {
    this.#kept?.set(account, cells);
  }

  /** Refuse a call; undefined: the store must be asked. */
  refuse(reserve: Reserve, account: RedisAccount): ReserveResult | undefined {
    // A request_id may be that of an admission that is remembered, which gets its first answer again.
    if (isNamed(reserve)) return undefined;
    const cells = this.#kept?.get(account);
    if (!cells) return undefined;

    const { calendar, worst, now } = reserve;
    const readings = readingsOf(account, { ...cells, now, seen: cells.now }, calendar, worst);
    const { counted } = account.caller.standing;
    const isFull = counted.some((limit, index) => {
      const used = readings[index]?.used ?? 0;
      return !limit.shadow && !fits(limit.ceiling, used, chargeOf(limit.metric, worst));
    });
    if (!isFull) return undefined;

    this.#answered++;
    return refusedWith(readings, reserve, account);
  }
}
