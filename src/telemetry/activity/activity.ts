import type { Decided, DecisionLog, Released, Settled } from "../../app/decision-log.js";
import type { CallerName, Clock } from "../../app/ports.js";
import { REASONS, type Reason } from "../../domain/reason.js";
import type { EpochMs, Millis } from "../../domain/units.js";
import { withoutKeys } from "../without-keys.js";
import { PrincipalHistories, type PrincipalEvent as Remembered } from "./principal-histories.js";
import { RateSeries } from "./rate-series.js";
import { RecentDenials } from "./recent-denials.js";

/** How far back decisions are told by their time. */
export type ActivitySpan = "5m" | "1h";

/** Decisions by outcome, in whole steps up to now. */
export interface DecisionRates {
  readonly stepMs: Millis;
  readonly from: EpochMs;
  /** Only outcomes that came. */
  readonly counts: ReadonlyMap<Reason, readonly number[]>;
}

/** A call that was refused, for a person. */
export interface ToldDenial {
  readonly number: number;
  readonly at: EpochMs;
  readonly caller: CallerName;
  readonly model: string;
  readonly reason: Reason;
  readonly message: string;
  readonly httpStatus: number;
  readonly requestId: string;
  readonly retryAfterMs: Millis | undefined;
  /** The names of those that refused. */
  readonly limits: readonly string[];
}

/** What happened to a principal: what was decided, or what was settled, with what it may cost or did. */
export interface PrincipalEvent extends Omit<Remembered, "code"> {
  readonly outcome: Reason | "settled";
}

export interface PrincipalActivity {
  readonly caller: CallerName;
  /** The latest first. */
  readonly events: readonly PrincipalEvent[];
}

const SPANS: Readonly<Record<ActivitySpan, { readonly stepMs: Millis; readonly steps: number }>> = {
  "5m": { stepMs: 1_000, steps: 300 },
  "1h": { stepMs: 10_000, steps: 360 },
};
const MOST_DENIALS = 200;
const HISTORIES = { principals: 1_024, events: 32 };

const CODE_OF: ReadonlyMap<Reason, number> = new Map(REASONS.map((reason, code) => [reason, code]));
const SETTLED = REASONS.length;

/**
 * Remembers, for people who watch, what was decided lately, and takes no more than some megabytes for it.
 *
 * Dry runs are left out: they reserve nothing. Callers whom the policy does not know have no history, so that a stranger
 * who makes names up pushes nobody's out; their denials are remembered.
 */
export class Activity implements DecisionLog {
  readonly #clock: Clock;
  readonly #rates: Readonly<Record<ActivitySpan, RateSeries>>;
  readonly #denials: RecentDenials;
  readonly #histories = new PrincipalHistories(HISTORIES);

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#rates = {
      "5m": new RateSeries({ ...SPANS["5m"], columns: REASONS.length }),
      "1h": new RateSeries({ ...SPANS["1h"], columns: REASONS.length }),
    };
    this.#denials = new RecentDenials(MOST_DENIALS, clock.now());
  }

  decided(facts: Decided): void {
    if (facts.dryRun) return;
    const at = this.#clock.now();
    const code = CODE_OF.get(facts.reason) ?? 0;
    this.#rates["5m"].add(at, code);
    this.#rates["1h"].add(at, code);
    const { answer, worst, caller } = facts;
    if (answer.kind !== "allowed") this.#denials.add(at, facts);
    if (facts.workspace === undefined || caller.principal === "") return;
    const grant = answer.kind === "allowed" ? answer.grant : undefined;
    this.#histories.add(caller, {
      at,
      code,
      model: facts.model ?? "",
      inputTokens: worst?.inputTokens ?? 0,
      outputTokens: grant?.outputTokens ?? worst?.outputTokens ?? 0,
      cost: grant?.cost ?? worst?.cost ?? 0,
    });
  }

  settled({ caller, model, amounts }: Settled): void {
    this.#histories.add(caller, { at: this.#clock.now(), code: SETTLED, model, ...amounts });
  }

  released(_: Released): void {
    // Nothing is known of whose it was.
  }

  rates(span: ActivitySpan): DecisionRates {
    const { counts, ...rates } = this.#rates[span].read(this.#clock.now());
    const told = REASONS.flatMap((reason, code): [Reason, readonly number[]][] => {
      const ofReason = counts.get(code);
      return ofReason ? [[reason, ofReason]] : [];
    });
    return { ...rates, counts: new Map(told) };
  }

  /** Denials with a higher number, the latest first. */
  denials(after: number): readonly ToldDenial[] {
    return this.#denials.after(after).map(({ number, at, facts }) => ({ number, at, ...told(facts) }));
  }

  of(principal: string): PrincipalActivity | undefined {
    const history = this.#histories.of(principal);
    if (!history) return undefined;
    const events = history.events.map(
      ({ code, ...event }): PrincipalEvent => ({
        ...event,
        outcome: REASONS[code] ?? "settled",
      }),
    );
    return { caller: history.caller, events };
  }
}

function told({ reason, caller, model, question, answer }: Decided): Omit<ToldDenial, "number" | "at"> {
  const isRefused = answer.kind === "denied";
  return {
    reason,
    caller: { ...caller, principal: withoutKeys(caller.principal) },
    model: withoutKeys(model ?? question?.model ?? ""),
    message: answer.kind === "allowed" ? "" : withoutKeys(answer.message),
    httpStatus: answer.kind === "allowed" ? 200 : answer.httpStatus,
    requestId: withoutKeys(isRefused ? answer.requestId : (question?.requestId ?? "")),
    retryAfterMs: isRefused ? answer.retryAfterMs : undefined,
    limits: isRefused ? answer.limits.slice(0, answer.refusing).map(({ limit }) => limit.name) : [],
  };
}
