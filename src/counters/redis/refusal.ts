import type { Reading, Reserve, ReserveResult } from "../../app/ports.js";
import { type Cells, readingsOf } from "./readings.js";
import type { RedisAccount } from "./redis-account.js";

type Refused = Extract<ReserveResult, { kind: "refused" }>;

/** Whether a call's request_id may be that of an admission that is remembered, which gets its first answer again. */
export function isNamed({ requestId, dryRun }: Reserve): boolean {
  return requestId !== "" && !dryRun;
}

/** Refuse a call as the store would that holds these cells; undefined: it would not refuse. */
export function refusalBy(cells: Cells, reserve: Reserve, account: RedisAccount): Refused | undefined {
  const readings = readingsOf(account, cells, reserve.calendar, reserve.worst);
  const denies = account.caller.standing.counted.some(({ shadow }, index) => !shadow && readings[index]?.refuses);
  return denies ? refusedWith(readings, reserve, account) : undefined;
}

/** A refusal with what it rests on, and with the limits in shadow that refuse too, in the store's order. */
export function refusedWith(readings: readonly Reading[], reserve: Reserve, account: RedisAccount): Refused {
  const { counted } = account.caller.standing;
  const inShadow = account.order.flatMap((index) => {
    const limit = counted[index];
    return limit?.shadow && readings[index]?.refuses ? [limit.name] : [];
  });
  return { kind: "refused", shadowDenials: [...reserve.shadowDenials, ...inShadow], readings };
}
