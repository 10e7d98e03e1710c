import type { Metric, Window } from "./limit.js";
import type { EpochMs, NanoUsd } from "./units.js";

/** What a refusing limit is explained by. */
export interface Refusing {
  readonly name: string;
  readonly metric: Metric;
  readonly window: Window;
  readonly ceiling: number;
  readonly used: number;
  readonly reserved: number;
  /** What the call asked for. */
  readonly charge: number;
  /** When it would pass by time alone; undefined: never. */
  readonly freesAt: EpochMs | undefined;
}

/** Tell a person which limit refused, how much is left, and when the call would pass. */
export function explainRefusal(refusing: Refusing, now: EpochMs): string {
  const { name, metric, ceiling, used, reserved, charge } = refusing;
  const amount = (value: number) => formatAmount(metric, value);
  if (ceiling === 0) return `${name} is 0: it refuses every call`;
  const left = amount(Math.max(0, ceiling - used - reserved));
  const taken = `${amount(used)} used and ${amount(reserved)} reserved of ${amount(ceiling)}`;
  return `${name} has ${left} left (${taken}) and this call needs ${amount(charge)}; ${explainWait(refusing, now)}`;
}

function explainWait({ freesAt, ceiling, charge }: Refusing, now: EpochMs): string {
  if (charge > ceiling) return "it never fits: ask for less";
  if (freesAt === undefined) return "waiting does not help";
  return `it fits in ${formatSpan(freesAt - now)}, at ${new Date(freesAt).toISOString()}`;
}

/** Tell a person which ceiling a request is too large for, and what would pass. */
export function explainTooLarge(name: string, metric: Metric, ceiling: number, charge: number): string {
  const amount = (value: number) => formatAmount(metric, value);
  if (ceiling === 0) return `${name} is 0: it refuses every call`;
  return `${name} allows ${amount(ceiling)} and this call needs ${amount(charge)}`;
}

/** Write an amount with its unit. */
export function formatAmount(metric: Metric, amount: number): string {
  switch (metric) {
    case "usd":
      return formatUsd(amount);
    case "requests":
    case "concurrent_requests":
      return count(amount, "request");
    case "tokens":
      return count(amount, "token");
    case "input_tokens":
      return count(amount, "input token");
    case "output_tokens":
      return count(amount, "output token");
  }
}

function count(amount: number, unit: string): string {
  return `${amount} ${unit}${amount === 1 ? "" : "s"}`;
}

/** Write money exactly, with two decimals at least: $0.0003, $50.00. */
export function formatUsd(nanoUsd: NanoUsd): string {
  const digits = String(nanoUsd).padStart(10, "0");
  const decimals = digits.slice(-9).replace(/0{1,7}$/, "");
  return `$${digits.slice(0, -9)}.${decimals}`;
}

/** Write a span for a person, rounded up to a whole second, or to a tenth below ten seconds. */
export function formatSpan(ms: number): string {
  const tenths = Math.ceil(ms / 100);
  if (tenths < 100) return `${tenths / 10} s`;
  const seconds = Math.ceil(ms / 1000);
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ] as const;
  return parts
    .filter(([value]) => value > 0)
    .slice(0, 2)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(" ");
}
