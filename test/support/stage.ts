import type {
  Account,
  Away,
  ChargeResult,
  Claimant,
  CounterStore,
  OpenReservation,
  Reading,
  ReleaseResult,
  ReservationPage,
  Reserve,
  ReserveResult,
  SettleResult,
  TotalPage,
} from "../../src/app/ports.js";
import type { Caller } from "../../src/domain/caller.js";
import type { Amounts } from "../../src/domain/charges.js";
import type { AccessRequest } from "../../src/domain/evaluate.js";
import type { Endpoint } from "../../src/domain/model.js";
import { costOf } from "../../src/domain/money.js";
import type { OpenPlan } from "../../src/domain/plan.js";
import type { Policy } from "../../src/domain/policy.js";
import type { Outcome, Usage } from "../../src/domain/settlement.js";
import { MAX_AMOUNT } from "../../src/domain/units.js";
import { Calendar, type Windows } from "../../src/domain/window.js";
import { callerIn, openPlanIn, type Who, whoIs } from "./callers.js";
import type { FakeClock } from "./fake-clock.js";
import { type PolicyWords, policyOf } from "./policy-words.js";

/** What is asked for: one input token of the small model, unless said otherwise. */
export interface Ask extends Who, Partial<Omit<AccessRequest, "inputTokens" | "maxOutputTokens">> {
  readonly id?: string | undefined;
  readonly model?: string | undefined;
  readonly endpoint?: Endpoint | undefined;
  readonly input?: number | undefined;
  readonly output?: number | undefined;
  /** The output is the answer's cap: the request named none. */
  readonly capUnset?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly readAll?: boolean | undefined;
  readonly shadowDenials?: readonly string[] | undefined;
}

/** Which reservation is settled, by whom and with what. Without `reservation` it is named by `request`. */
export interface Report extends Who {
  readonly reservation?: string | undefined;
  readonly request?: string | undefined;
  /** undefined: ann in dev. */
  readonly claimant?: Claimant | undefined;
  readonly usage?: Partial<Usage> | undefined;
  readonly outcome?: Outcome | undefined;
}

export interface Bill extends Who {
  readonly reservation?: string | undefined;
  readonly request?: string | undefined;
  readonly amounts?: Partial<Amounts> | undefined;
}

/** A store with a clock, a calendar and a policy, spoken to in few words and through the port only. */
export class Stage {
  readonly store: CounterStore;
  readonly clock: FakeClock;
  readonly #close: () => unknown;
  #policy: Policy;
  #calendar: Calendar;
  #callers = new Map<string, Caller>();
  #accounts = new Map<Caller, Account>();
  /** Calls that are alike share their plan, as they do in the service. */
  #plans = new Map<string, OpenPlan>();

  constructor(store: CounterStore, clock: FakeClock, words: PolicyWords, close: () => unknown = () => undefined) {
    this.store = store;
    this.clock = clock;
    this.#policy = policyOf(words);
    this.#calendar = new Calendar(this.#policy.timezone);
    this.#close = close;
  }

  get policy(): Policy {
    return this.#policy;
  }

  get calendar(): Calendar {
    return this.#calendar;
  }

  get windows(): Windows {
    return this.#calendar.at(this.clock.now());
  }

  async close(): Promise<void> {
    await this.#close();
  }

  /** Put another policy in force, as a reload does. */
  reload(words: PolicyWords): void {
    const policy = policyOf(words);
    if (policy.timezone !== this.#policy.timezone) this.#calendar = new Calendar(policy.timezone, this.windows);
    this.#policy = policy;
    this.#callers = new Map();
    this.#accounts = new Map();
    this.#plans = new Map();
  }

  /** Someone with its counters, under the policy in force. */
  caller(who: Who = {}): Caller {
    const key = keyOf(this.#policy, who);
    const caller = this.#callers.get(key) ?? callerIn(this.#policy, who);
    this.#callers.set(key, caller);
    return caller;
  }

  account(who: Who = {}): Account {
    const caller = this.caller(who);
    const account = this.#accounts.get(caller) ?? this.store.open(caller);
    this.#accounts.set(caller, account);
    return account;
  }

  #plan(ask: Pick<Ask, keyof Who | "model" | "endpoint">): OpenPlan {
    const key = [keyOf(this.#policy, ask), ask.model, ask.endpoint].join(" ");
    const plan = this.#plans.get(key) ?? openPlanIn(this.#policy, this.caller(ask).standing, ask.model, ask.endpoint);
    this.#plans.set(key, plan);
    return plan;
  }

  /** What the port is told for an ask. */
  reserveOf(ask: Ask = {}): Reserve {
    const { id = "", input = 1, output = 0, capUnset, dryRun, readAll, shadowDenials } = ask;
    const { pages = 0, audioSeconds = 0, annotatedPages = false } = ask;
    const plan = this.#plan(ask);
    const price = annotatedPages ? plan.annotatedPrice : plan.price;
    const billable = { inputTokens: input, cachedInputTokens: 0, outputTokens: output, pages, audioSeconds };
    const cost = price ? (costOf(price, billable) ?? MAX_AMOUNT) : 0;
    return {
      account: this.account(ask),
      plan,
      request: { inputTokens: input, maxOutputTokens: capUnset ? 0 : output, pages, audioSeconds, annotatedPages },
      requestId: id,
      worst: { inputTokens: input, outputTokens: output, cost },
      shadowDenials: shadowDenials ?? [],
      now: this.clock.now(),
      calendar: this.#calendar,
      dryRun: dryRun ?? false,
      readAll: readAll ?? false,
    };
  }

  async reserve(ask: Ask = {}): Promise<Exclude<ReserveResult, Away>> {
    return there(await this.store.reserve(this.reserveOf(ask)));
  }

  /** Reserve what must be admitted. */
  async admit(ask: Ask = {}): Promise<Extract<ReserveResult, { kind: "admitted" }>> {
    const result = await this.reserve(ask);
    if (result.kind !== "admitted") throw new Error(`expected an admission, not ${JSON.stringify(result)}`);
    return result;
  }

  /** Reserve what must be refused; by the names of the limits. */
  async refuse(ask: Ask = {}): Promise<{ readonly shadowDenials: readonly string[]; readonly limits: Readings }> {
    const result = await this.reserve(ask);
    if (result.kind !== "refused") throw new Error(`expected a refusal, not ${JSON.stringify(result)}`);
    return { shadowDenials: result.shadowDenials, limits: this.byName(ask, result.readings) };
  }

  async settle(report: Report): Promise<Exclude<SettleResult, Away>> {
    const { principal, workspace } = whoIs(this.#policy, report);
    const { reservation, request = "", usage, outcome = "succeeded" } = report;
    const result = await this.store.settle({
      name: reservation === undefined ? { workspace, principal, requestId: request } : { reservationId: reservation },
      claimant: report.claimant ?? { principal, workspace },
      usage: usage && { ...NO_USAGE, ...usage },
      outcome,
      now: this.clock.now(),
      calendar: this.#calendar,
    });
    return there(result);
  }

  /** Settle what must be found. */
  async record(report: Report): Promise<Extract<SettleResult, { kind: "settled" }>> {
    const result = await this.settle(report);
    if (result.kind !== "settled") throw new Error(`expected a settlement, not ${JSON.stringify(result)}`);
    return result;
  }

  async charge(bill: Bill): Promise<Exclude<ChargeResult, Away>> {
    const result = await this.store.charge({
      account: this.account(bill),
      plan: this.#plan(bill),
      amounts: { inputTokens: 0, outputTokens: 0, cost: 0, ...bill.amounts },
      key: bill.reservation === undefined ? { requestId: bill.request ?? "" } : { reservationId: bill.reservation },
      now: this.clock.now(),
      calendar: this.#calendar,
    });
    return there(result);
  }

  async release(reservationId: string, forget = false): Promise<Exclude<ReleaseResult, Away>> {
    const now = this.clock.now();
    return there(await this.store.release({ reservationId, forget, now, calendar: this.#calendar }));
  }

  async read(who: Who = {}): Promise<Readings> {
    return this.byName(who, there(await this.store.read(this.account(who), this.#calendar, this.clock.now())));
  }

  /** Every counter as `used+reserved`. */
  async counted(who: Who = {}): Promise<Readonly<Record<string, string>>> {
    const entries = Object.entries(await this.read(who));
    return Object.fromEntries(entries.map(([name, { used, reserved }]) => [name, `${used}+${reserved}`]));
  }

  /** Every open reservation, by pages of `limit`. One that comes on two pages is there twice. */
  async open(limit = 100): Promise<readonly OpenReservation[]> {
    const found: OpenReservation[] = [];
    let after: string | undefined = "";
    while (after !== undefined) {
      const page: ReservationPage = await this.openPage(after, limit);
      found.push(...page.reservations);
      after = page.next;
    }
    return found;
  }

  async openPage(after: string, limit: number): Promise<ReservationPage> {
    return there(await this.store.reservations({ after, limit }, this.clock.now()));
  }

  /**
   * What was used on a day, by `workspace principal model`, as `requests input output cost`. By pages of about `limit`;
   * rows that count nothing are left out.
   */
  async totals(date: string, limit = 100): Promise<Readonly<Record<string, string>>> {
    const day = Date.parse(date) / DAY_MS;
    const found: Record<string, string> = {};
    let after: string | undefined = "";
    while (after !== undefined) {
      const page: TotalPage = there(await this.store.totals({ day, after, limit }, this.clock.now()));
      for (const { workspace, principal, model, requests, inputTokens, outputTokens, cost } of page.totals) {
        if (requests === 0) continue;
        found[`${workspace} ${principal} ${model}`] = `${requests} ${inputTokens} ${outputTokens} ${cost}`;
      }
      after = page.next;
    }
    return found;
  }

  byName(who: Who, readings: readonly Reading[]): Readings {
    const { counted } = this.caller(who).standing;
    if (counted.length !== readings.length) throw new Error(`${readings.length} readings of ${counted.length} limits`);
    return Object.fromEntries(counted.map(({ name }, index) => [name, there(readings[index])]));
  }
}

const DAY_MS = 86_400_000;

/** Readings by the names of their limits, in the policy's order. */
export type Readings = Readonly<Record<string, Reading>>;

const NO_USAGE: Usage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  pages: 0,
  audioSeconds: 0,
  annotatedPages: false,
};

function keyOf(policy: Policy, who: Who): string {
  const { workspace, role, principal } = whoIs(policy, who);
  return [workspace, role, principal].join(" ");
}

function there<Result>(result: Result): Exclude<Result, Away | undefined> {
  if (!isHere(result)) throw new Error("the store is away");
  return result;
}

function isHere<Result>(result: Result): result is Exclude<Result, Away | undefined> {
  if (result === undefined) return false;
  return !(typeof result === "object" && result !== null && "kind" in result && result.kind === "away");
}
