import { type Amounts, chargeOf } from "./charges.js";
import type { Metric, Window } from "./limit.js";
import type { Model } from "./model.js";
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
  if (ceiling === 0) return `${name} is 0: it refuses every call`;
  const wait = explainWait(refusing, now);
  if (metric === "concurrent_requests") return `${name}: ${reserved} of ${ceiling} calls are open; ${wait}`;
  const number = (value: number) => (metric === "usd" ? formatUsd(value) : String(value));
  const left = number(Math.max(0, ceiling - used - reserved));
  const taken = `${number(used)} used, ${number(reserved)} reserved`;
  return `${name}: this call needs ${formatAmount(metric, charge)}, with ${left} of ${number(ceiling)} left (${taken}); ${wait}`;
}

function explainWait(refusing: Refusing, now: EpochMs): string {
  const { freesAt, ceiling, charge } = refusing;
  if (charge > ceiling) return "it never fits: ask for less";
  if (freesAt === undefined) return "waiting does not help";
  return `it fits in ${formatSpan(freesAt - now)}, at ${new Date(freesAt).toISOString()}${explainSooner(refusing)}`;
}

/** What could let the call pass before time alone does. A request stays counted however its call ends. */
function explainSooner({ metric, ceiling, used, reserved, charge }: Refusing): string {
  if (metric === "concurrent_requests") return "; sooner if one of them ends";
  const canFree = metric !== "requests" && reserved > 0 && used + charge <= ceiling;
  return canFree ? "; sooner if open calls use less" : "";
}

/** Tell a person which ceiling a request is too large for, and what would pass. */
export function explainTooLarge(limit: Pick<Refusing, "name" | "metric" | "ceiling">, worst: Amounts): string {
  const { name, metric, ceiling } = limit;
  if (ceiling === 0) return `${name} is 0: it refuses every call`;
  const needed = formatAmount(metric, chargeOf(metric, worst));
  const fitting = metric === "tokens" ? explainRoom(ceiling, worst) : "";
  return `${name} allows ${formatAmount(metric, ceiling)} and this call needs ${needed}${fitting}`;
}

/** Tell a person that a model's own limit is too small for a request, and what would pass. */
export function explainModelBound({ id, contextLength = 0, maxOutputTokens = 0 }: Model, worst: Amounts): string {
  const needed = chargeOf("tokens", worst);
  if (contextLength > 0 && needed > contextLength) {
    const holds = formatAmount("tokens", contextLength);
    return `the context of ${id} holds ${holds} and this call needs ${needed}${explainRoom(contextLength, worst)}`;
  }
  return `${id} writes at most ${formatAmount("output_tokens", maxOutputTokens)} and this call asks for ${worst.outputTokens}`;
}

/** How much output fits beside the input. */
function explainRoom(tokens: number, { inputTokens }: Amounts): string {
  const room = tokens - inputTokens;
  if (room < 1) return "; its input leaves no room for output";
  return `; beside its input, at most ${formatAmount("output_tokens", room)} fit`;
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
