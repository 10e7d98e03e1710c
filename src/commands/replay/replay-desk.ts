import { authorize } from "../../app/authorize.js";
import type { Decision } from "../../app/decision.js";
import type { Desk } from "../../app/desk.js";
import type { Fault } from "../../app/fault.js";
import type { PrincipalName } from "../../app/forms.js";
import type { CallerName, MaybePromise, SettleResult } from "../../app/ports.js";
import { type Recorded, recordUsage } from "../../app/record-usage.js";
import { Snapshot } from "../../app/snapshot.js";
import { inventRequestId } from "../../counters/memory/ids.js";
import { MemoryStore } from "../../counters/memory/memory-store.js";
import type { Policy } from "../../domain/policy.js";
import type { Outcome, Usage } from "../../domain/settlement.js";
import type { EpochMs } from "../../domain/units.js";
import { Calendar } from "../../domain/window.js";
import { declaredIdentity } from "../../identity/declared.js";
import type { AskedAgain, SettlementLine } from "../../telemetry/decisions/read-line.js";

/** Swept with each call: more than one call can make, so that what the log has left behind does not pile up. */
const SWEPT_PER_CALL = 16;

/** The use cases over a new policy and counters that begin with nothing, at the time of a log. */
export class ReplayDesk {
  readonly #policy: Policy;
  readonly #snapshot: Snapshot;
  readonly #store: MemoryStore;
  readonly #desk: Desk;
  #now: EpochMs = 0;
  #charged = 0;

  constructor(policy: Policy) {
    let drawn = 0;
    // Nobody has to be kept from guessing these, and a replay must come to the same each time.
    const random = () => drawn++ % 2 ** 24;
    const store = new MemoryStore(random);
    const snapshot = new Snapshot(policy, new Calendar(policy.timezone), store);
    this.#policy = policy;
    this.#snapshot = snapshot;
    this.#store = store;
    this.#desk = {
      identity: declaredIdentity(),
      store,
      clock: { now: () => this.#now },
      log: { decided: () => {}, settled: () => {}, released: () => {} },
      snapshot: () => snapshot,
      inventId: () => inventRequestId(random),
    };
  }

  get now(): EpochMs {
    return this.#now;
  }

  /** Let it be that time; what is earlier changes nothing, as clocks never go back. */
  reach(at: EpochMs): void {
    this.#now = Math.max(this.#now, at);
  }

  ask(caller: CallerName, { model, endpoint, request }: AskedAgain, dryRun: boolean): MaybePromise<Decision | Fault> {
    this.#store.sweep(SWEPT_PER_CALL, this.#snapshot.calendar, this.#now);
    return authorize(this.#desk, {
      requestId: "",
      principal: this.#nameOf(caller),
      model,
      endpoint,
      request,
      labels: {},
      dryRun,
      includeLimits: false,
    });
  }

  settle(reservationId: string, usage: Usage | undefined, outcome: Outcome): SettleResult {
    const rest = { claimant: {}, usage, outcome, now: this.#now, calendar: this.#snapshot.calendar };
    return this.#store.settle({ name: { reservationId }, ...rest });
  }

  release(reservationId: string, forget: boolean): void {
    this.#store.release({ reservationId, forget, now: this.#now, calendar: this.#snapshot.calendar });
  }

  /** Charge usage that no call of the log stands behind: its call was allowed before the log begins. */
  charge(line: SettlementLine): MaybePromise<Recorded | Fault> {
    const { inputTokens, outputTokens, outcome } = line;
    const charged = {
      inputTokens,
      outputTokens,
      cachedInputTokens: 0,
      pages: 0,
      audioSeconds: 0,
      annotatedPages: false,
    };
    return recordUsage(this.#desk, {
      // An id of its own for each: whatever stands in the log was charged, though it may name what was charged before.
      reservationId: `line ${++this.#charged}`,
      requestId: "",
      principal: this.#nameOf(line.caller),
      model: line.model,
      endpoint: line.endpoint,
      usage: line.usage ?? charged,
      outcome,
      labels: {},
      includeLimits: false,
    });
  }

  /**
   * Name a caller as the policy wants it named. Whom it lists, it gives role and workspace; who else calls is taken as
   * proved where the policy trusts anybody, because what was shown is in no log.
   */
  #nameOf({ principal, role, workspace }: CallerName): PrincipalName {
    if (this.#policy.principals.has(principal)) return { id: principal, role: "", workspace: "" };
    return { id: principal, role, workspace, ...(this.#policy.trust.length > 0 && { isProved: true as const }) };
  }
}
