import type { Bill } from "../domain/bill.js";
import type { NanoUsd, Tokens } from "../domain/units.js";

/** What Windbreak counted for one workspace. */
export interface Counted {
  readonly cost: NanoUsd;
  readonly tokens: Tokens;
}

/** A workspace of Mistral's, with the policy's workspaces whose calls go there. */
export interface Billed {
  readonly workspaces: readonly string[];
  readonly mistralWorkspace: string;
  readonly bill: Bill;
}

/** What is held against each other: money, or tokens where the bill is in another currency or has no prices. */
export type Unit = "usd" | "tokens";

/** How far the bill and the counters are apart. */
export interface Drift extends Billed {
  readonly counted: Counted;
  /** As a share of the bill: 0.05 says that Windbreak counted 5 % more. Infinity: nothing was billed. */
  readonly drift: number;
  readonly isOver: boolean;
}

export interface Reconciled {
  readonly unit: Unit;
  readonly drifts: readonly Drift[];
  /** The policy's workspaces that were counted, and that nothing was asked for. */
  readonly unasked: readonly string[];
}

/** Differences below say nothing: a cent, or what a cent buys of a cheap model. */
const LEAST: Readonly<Record<Unit, number>> = { usd: 10_000_000, tokens: 100_000 };

/**
 * Hold Mistral's bill against Windbreak's counters, workspace by workspace.
 *
 * @param counted by the policy's name of the workspace; one that is missing used nothing.
 * @param tolerance the share of the bill from which a drift is told.
 */
export function reconcile(
  billed: readonly Billed[],
  counted: ReadonlyMap<string, Counted>,
  tolerance: number,
): Reconciled {
  const unit: Unit = billed.every(({ bill }) => isInUsd(bill)) ? "usd" : "tokens";
  const drifts = billed.map((one): Drift => {
    const sum = sumOf(one.workspaces.flatMap((name) => counted.get(name) ?? []));
    const [bill, count] = unit === "usd" ? [one.bill.cost, sum.cost] : [one.bill.tokens, sum.tokens];
    const apart = Math.abs(count - bill);
    const drift = apart === 0 ? 0 : (count - bill) / bill;
    return { ...one, counted: sum, drift, isOver: apart >= LEAST[unit] && Math.abs(drift) > tolerance };
  });
  const asked = new Set(billed.flatMap(({ workspaces }) => workspaces));
  return { unit, drifts, unasked: [...counted.keys()].filter((name) => !asked.has(name)).sort() };
}

/** Windbreak counts in dollars. A bill without any price would look like one of nothing. */
function isInUsd({ currency, cost, unpriced }: Bill): boolean {
  const hasPrices = cost > 0 || unpriced.length === 0;
  return (currency === undefined || currency === "USD") && hasPrices;
}

function sumOf(parts: readonly Counted[]): Counted {
  return {
    cost: parts.reduce((sum, { cost }) => sum + cost, 0),
    tokens: parts.reduce((sum, { tokens }) => sum + tokens, 0),
  };
}
