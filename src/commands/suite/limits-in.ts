import type { Limit } from "../../domain/limit.js";
import type { Policy } from "../../domain/policy.js";
import { MAX_AMOUNT } from "../../domain/units.js";
import { ONE } from "../../policy/number-text.js";

/** Every limit of a policy, by its name. */
export function limitsIn({ limits, workspaces, roles, principals }: Policy): ReadonlyMap<string, Limit> {
  const all = new Map(limits.map((limit) => [limit.name, limit]));
  for (const ruled of [workspaces, roles, principals]) {
    for (const { limits: own } of ruled.values()) for (const limit of own) all.set(limit.name, limit);
  }
  return all;
}

/**
 * Turn a number of a suite into the unit of a limit: nano-USD for money, whole for all else.
 *
 * @param units of 1e-9.
 * @returns undefined where the limit cannot count so much, or no part of one.
 */
export function amountIn({ metric }: Pick<Limit, "metric">, units: bigint): number | undefined {
  const amount = metric === "usd" ? units : units / ONE;
  const isWhole = metric === "usd" || units % ONE === 0n;
  return isWhole && amount <= BigInt(MAX_AMOUNT) ? Number(amount) : undefined;
}

/** What to write where `amountIn` finds nothing. */
export function amountRemedy({ metric }: Pick<Limit, "metric">): string {
  return metric === "usd" ? "write at most 9007199.25 USD" : `write a whole number, at most ${MAX_AMOUNT}`;
}

/** The role or the principal that a limit's name speaks of: `ada` in `principals.ada.usd_per_day`. */
export function holderOf({ name, key }: Limit): string {
  return name.slice(name.indexOf(".") + 1, -key.length - 1);
}
