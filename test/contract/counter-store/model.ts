import type { CallerName, Reading } from "../../../src/app/ports.js";
import type { Caller, Counter } from "../../../src/domain/caller.js";
import type { Amounts } from "../../../src/domain/charges.js";
import type { Limit, Metric, Window } from "../../../src/domain/limit.js";
import type { Outcome } from "../../../src/domain/settlement.js";

/** What a reservation was asked with; two are the same call when this text is the same. */
export interface Content {
  readonly text: string;
  readonly worst: Amounts;
}

export interface Held {
  readonly id: string;
  readonly requestId: string;
  readonly caller: Caller;
  readonly content: Content;
  readonly at: number;
  readonly ends: number;
  readonly givesBack: boolean;
  readonly shadowDenials: readonly string[];
  closed: { readonly at: number; readonly as: "settled" | "released" } | undefined;
  /** What a settlement, in time or late, came to. */
  actual: Amounts | undefined;
  late: boolean;
  /** Its request_id came again while it was open. */
  again: boolean;
}

export interface Bill {
  readonly caller: Caller;
  readonly amounts: Amounts;
  readonly at: number;
}

interface Part {
  readonly used: number;
  readonly reserved: number;
  /** When it slides out. */
  readonly leaves: number;
}

const MEMORY_MS = 600_000;
const STEP_MS: Partial<Record<Window, number>> = { second: 100, minute: 6_000 };
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/**
 * What a counter store is, as plainly as it can be said: lists of reservations and bills with their times, added up
 * anew for each question. In UTC, so that its calendar is arithmetic. Shares no code with what it judges.
 */
export class Model {
  readonly held: Held[] = [];
  readonly #bills: Bill[] = [];
  readonly #once = new Map<string, Bill>();

  readings(caller: Caller, worst: Amounts | undefined, now: number): Reading[] {
    return caller.standing.counted.map((limit, index) => {
      const counter = counterOf(caller, index);
      const { used, reserved } = this.#sums(counter, now);
      const charge = worst && chargeOf(limit.metric, worst);
      const refuses = charge !== undefined && !fits(limit, used + reserved, charge);
      const freesAt = refuses ? this.#freesAt(counter, limit, charge, now) : undefined;
      return { used, reserved, resetsAt: this.#resetsAt(counter, now), refuses, freesAt };
    });
  }

  /** The names of the limits that refuse, firm and in shadow. */
  refusing(caller: Caller, worst: Amounts, now: number): { readonly firm: string[]; readonly shadow: string[] } {
    const readings = this.readings(caller, worst, now);
    const names = (shadow: boolean) =>
      caller.standing.counted
        .filter((limit, index) => limit.shadow === shadow && readings[index]?.refuses)
        .map(({ name }) => name);
    return { firm: names(false), shadow: names(true) };
  }

  add(held: Omit<Held, "closed" | "actual" | "late" | "again">): void {
    this.held.push({ ...held, closed: undefined, actual: undefined, late: false, again: false });
  }

  isOpen({ closed, ends }: Held, now: number): boolean {
    return closed === undefined && now < ends;
  }

  /** Those that are open or closed less than ten minutes ago. */
  remembered(now: number): readonly Held[] {
    return this.held.filter(({ closed, ends }) => now < (closed?.at ?? ends) + MEMORY_MS);
  }

  settle(held: Held, actual: Amounts, now: number): void {
    held.late = !this.isOpen(held, now);
    if (!held.late) held.closed = { at: now, as: "settled" };
    held.actual = actual;
  }

  release(held: Held, forget: boolean, now: number): void {
    if (forget) this.held.splice(this.held.indexOf(held), 1);
    else held.closed = { at: now, as: "released" };
  }

  /** @returns the first cost, where the key was charged less than ten minutes ago. */
  charge(
    key: string,
    caller: Caller,
    amounts: Amounts,
    now: number,
  ): { readonly cost: number; readonly already: boolean } {
    const known = this.charged(key, now);
    if (known) return { cost: known.amounts.cost, already: true };
    const bill = { caller, amounts, at: now };
    this.#once.set(key, bill);
    this.#bills.push(bill);
    return { cost: amounts.cost, already: false };
  }

  /** What was charged for a key less than ten minutes ago. */
  charged(key: string, now: number): Bill | undefined {
    const known = this.#once.get(key);
    return known && now < known.at + MEMORY_MS ? known : undefined;
  }

  /** The days on which anything was reserved or charged, as dates of UTC. */
  days(): readonly string[] {
    return [...new Set([...this.held, ...this.#bills].map(({ at }) => dateOf(at)))];
  }

  /** What was used on a day, by workspace, principal and model. */
  totals(date: string, now: number): Readonly<Record<string, string>> {
    const used = this.held
      .filter(({ at }) => dateOf(at) === date)
      .flatMap((held): Bill[] => {
        if (held.actual) return [{ ...held, amounts: held.actual }];
        const isCharged = !held.closed && now >= held.ends && !held.givesBack;
        return isCharged ? [{ ...held, amounts: held.content.worst }] : [];
      });
    const found: Record<string, string> = {};
    for (const { caller, amounts } of [...used, ...this.#bills.filter(({ at }) => dateOf(at) === date)]) {
      const key = `${caller.standing.workspace.name} ${caller.principal} small-1`;
      const [requests = 0, input = 0, output = 0, cost = 0] = (found[key] ?? "0 0 0 0").split(" ").map(Number);
      const sums = [requests + 1, input + amounts.inputTokens, output + amounts.outputTokens, cost + amounts.cost];
      found[key] = sums.join(" ");
    }
    return found;
  }

  /** What each reservation and bill holds of a counter at an instant, by what was known of them by now. */
  #parts(counter: Counter, at: number): Part[] {
    const { metric, window } = counter;
    const inFlight = window === "in_flight";
    const part = (since: number, used: number, reserved: number): Part => ({
      used: inFlight ? 0 : used,
      reserved,
      leaves: leavesAt(window, since),
    });
    const parts = this.held
      .filter((held) => holds(held.caller, counter))
      .map((held): Part => {
        const worst = chargeOf(metric, held.content.worst);
        if (held.actual) return part(held.at, chargeOf(metric, held.actual), 0);
        if (held.closed) return part(held.at, 0, 0);
        if (at < held.ends) return part(held.at, 0, worst);
        return part(held.at, held.givesBack ? 0 : worst, 0);
      });
    const bills = this.#bills
      .filter((bill) => holds(bill.caller, counter))
      .map((bill) => part(bill.at, chargeOf(metric, bill.amounts), 0));
    return [...parts, ...bills].filter(({ leaves }) => at < leaves);
  }

  #sums(counter: Counter, at: number): { readonly used: number; readonly reserved: number } {
    const parts = this.#parts(counter, at);
    return {
      used: parts.reduce((sum, { used }) => sum + used, 0),
      reserved: parts.reduce((sum, { reserved }) => sum + reserved, 0),
    };
  }

  /** Tries every instant at which anything can change. */
  #freesAt(counter: Counter, limit: Limit, charge: number, now: number): number | undefined {
    const leaves = this.#parts(counter, now).map((part) => part.leaves);
    const ends = this.held.map((held) => held.ends);
    const instants = [...leaves, ...ends].filter((at) => at > now && at < Number.POSITIVE_INFINITY);
    return instants
      .sort((left, right) => left - right)
      .find((at) => {
        const { used, reserved } = this.#sums(counter, at);
        return fits(limit, used + reserved, charge);
      });
  }

  #resetsAt(counter: Counter, now: number): number | undefined {
    if (counter.window === "in_flight") return undefined;
    if (STEP_MS[counter.window] === undefined) return leavesAt(counter.window, now);
    const counted = this.#parts(counter, now).filter(({ used, reserved }) => used + reserved > 0);
    return Math.max(now, ...counted.map(({ leaves }) => leaves));
  }
}

function dateOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** When what fell in a window at an instant is no longer of it. */
function leavesAt(window: Window, at: number): number {
  const step = STEP_MS[window];
  if (step !== undefined) return at - (at % step) + 11 * step;
  const date = new Date(at);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  switch (window) {
    case "hour":
      return at - (at % HOUR_MS) + HOUR_MS;
    case "day":
      return at - (at % DAY_MS) + DAY_MS;
    case "week":
      return Date.UTC(year, month, day + 7 - ((date.getUTCDay() + 6) % 7));
    case "month":
      return Date.UTC(year, month + 1, 1);
    default:
      return Number.POSITIVE_INFINITY;
  }
}

/** The least multiple of half a ttl that is a whole ttl away. */
export function endOf(now: number, ttlMs: number): number {
  let end = now - (now % (ttlMs / 2));
  while (end < now + ttlMs) end += ttlMs / 2;
  return end;
}

/** Input at 2 nano-USD, cached input at 1, output at 10/3; rounded up. */
export function costOf(input: number, cached: number, output: number): number {
  return Number((BigInt(input - cached) * 6n + BigInt(cached) * 3n + BigInt(output) * 10n + 2n) / 3n);
}

/** What a settlement charges. */
export function actualOf(
  usage: { input: number; cached: number; output: number } | undefined,
  outcome: Outcome,
  worst: Amounts,
): Amounts {
  if (usage) {
    return {
      inputTokens: usage.input,
      outputTokens: usage.output,
      cost: costOf(usage.input, usage.cached, usage.output),
    };
  }
  return outcome === "failed" ? { inputTokens: 0, outputTokens: 0, cost: 0 } : worst;
}

export function nameOf({ principal, standing }: Caller): CallerName {
  return { principal, role: standing.role.name, workspace: standing.workspace.name };
}

function chargeOf(metric: Metric, { inputTokens, outputTokens, cost }: Amounts): number {
  if (metric === "usd") return cost;
  if (metric === "tokens") return inputTokens + outputTokens;
  if (metric === "input_tokens") return inputTokens;
  return metric === "output_tokens" ? outputTokens : 1;
}

function fits({ ceiling }: Limit, counted: number, charge: number): boolean {
  return ceiling !== 0 && counted + charge <= ceiling;
}

function holds(caller: Caller, { key }: Counter): boolean {
  return caller.counters.some((counter) => counter.key === key);
}

function counterOf(caller: Caller, index: number): Counter {
  const counter = caller.counters[index];
  if (!counter) throw new RangeError(`there is no counter ${index}`);
  return counter;
}
