import type { CallerName } from "../../app/ports.js";
import type { Counter } from "../../domain/caller.js";
import type { Amounts } from "../../domain/charges.js";
import { LIMIT_KEYS } from "../../domain/limit.js";
import { ENDPOINTS, type Endpoint } from "../../domain/model.js";
import { type Price, priceOver } from "../../domain/money.js";
import type { EpochMs } from "../../domain/units.js";
import type { Span, Windows } from "../../domain/window.js";
import type { ChargedUsage } from "../memory/charged-once.js";
import type { CounterState } from "../memory/counter-records.js";
import { Counted, type FixedPlan } from "../memory/memory-account.js";
import type { Sum } from "../memory/sums.js";
import type { TotalState, Used } from "../memory/total-names.js";
import type { TotalPlace } from "../memory/totals.js";
import type { ByteReader } from "./bytes.js";

/** A record that says what no record of this version can say. */
export class UnreadableRecord extends Error {}

export function readAccount(from: ByteReader): Counted {
  const { principal, role, workspace } = readCaller(from);
  const counters = Array.from({ length: from.u32() }, () => readCounter(from));
  return new Counted({ principal, standing: { role: { name: role }, workspace: { name: workspace } }, counters });
}

export function readPlan(from: ByteReader): FixedPlan {
  const model = from.text();
  const asked = from.optionalText();
  return {
    asked: { model, endpoint: asked === undefined ? undefined : endpointOf(asked) },
    model: { id: from.text() },
    endpoint: endpointOf(from.text()),
    policyRevision: from.text(),
    price: readPrice(from),
    annotatedPrice: readPrice(from),
  };
}

export function readWindows(from: ByteReader): Windows {
  const span = (): Span => ({ label: from.f64(), end: from.f64() });
  return { hour: span(), day: span(), week: span(), month: span(), until: from.f64() };
}

export function readCounterState(from: ByteReader): {
  readonly slot: number;
  readonly counter: Counter;
  readonly state: CounterState;
} {
  const slot = from.u32();
  const counter = readCounter(from);
  const label = from.f64();
  const used = readSum(from);
  const reserved = readSum(from);
  const lots = Array.from({ length: from.u32() }, () => {
    const place = from.f64();
    const ends = from.f64();
    const givesBack = from.u8() === 1;
    return { place, ends, givesBack, amount: readSum(from) };
  });
  return { slot, counter, state: { label, used, reserved, lots } };
}

export function readUsage(from: ByteReader): {
  readonly key: string;
  readonly usage: ChargedUsage;
  readonly at: EpochMs;
} {
  const key = from.text();
  const amounts = readAmounts(from);
  const caller = readCaller(from);
  const model = from.text();
  return { key, usage: { amounts, caller, model }, at: from.f64() };
}

export function readAmounts(from: ByteReader): Amounts {
  return { inputTokens: from.f64(), outputTokens: from.f64(), cost: from.f64() };
}

export function readTotalState(from: ByteReader): { readonly place: TotalPlace; readonly state: TotalState } {
  const place = { day: from.f64(), key: from.text() };
  const used = readUsed(from);
  const lots = Array.from({ length: from.u32() }, () => ({ ends: from.f64(), ...readUsed(from) }));
  return { place, state: { used, lots } };
}

function readUsed(from: ByteReader): Used {
  return { requests: from.f64(), ...readAmounts(from) };
}

function readPrice(from: ByteReader): Price | undefined {
  if (from.u8() === 0) return undefined;
  const part = () => integerOf(from.text());
  const exact = {
    denominator: part(),
    input: part(),
    cachedInput: part(),
    output: part(),
    page: part(),
    audioSecond: part(),
  };
  return priceOver(exact);
}

function readCaller(from: ByteReader): CallerName {
  return { principal: from.text(), role: from.text(), workspace: from.text() };
}

function readSum(from: ByteReader): Sum {
  return { low: from.f64(), high: from.u32() };
}

const COUNTED: ReadonlyMap<string, Pick<Counter, "metric" | "window">> = new Map(
  Array.from(LIMIT_KEYS.values(), ({ metric, window }) => [`${metric} ${window}`, { metric, window }]),
);

function readCounter(from: ByteReader): Counter {
  const key = from.text();
  const what = `${from.text()} ${from.text()}`;
  const counted = COUNTED.get(what);
  if (!counted) throw new UnreadableRecord(`nothing is counted as ${what}`);
  return { key, ...counted };
}

function endpointOf(text: string): Endpoint {
  const endpoint = ENDPOINTS.find((one) => one === text);
  if (!endpoint) throw new UnreadableRecord(`no endpoint is called ${text}`);
  return endpoint;
}

function integerOf(text: string): bigint {
  if (!/^\d+$/.test(text)) throw new UnreadableRecord(`${text} is no whole number`);
  return BigInt(text);
}
