import { type AuthorizeCall, authorize } from "../../app/authorize.js";
import type { Decision } from "../../app/decision.js";
import type { Desk } from "../../app/desk.js";
import type { Fault } from "../../app/fault.js";
import { type Identified, whoAsks } from "../../app/identify.js";
import type { Evidence } from "../../app/identity-ports.js";
import { type LimitReport, reportAll } from "../../app/limit-report.js";
import { type Recorded, recordUsage } from "../../app/record-usage.js";
import { Snapshot } from "../../app/snapshot.js";
import { inventRequestId } from "../../counters/memory/ids.js";
import { MemoryStore } from "../../counters/memory/memory-store.js";
import { StoreState } from "../../counters/memory/store-state.js";
import type { Counter } from "../../domain/caller.js";
import type { Policy } from "../../domain/policy.js";
import { endsAt } from "../../domain/settlement.js";
import type { EpochMs, Millis } from "../../domain/units.js";
import { Calendar, placeIn } from "../../domain/window.js";
import { credentialIdentity } from "../../identity/credential.js";
import { declaredIdentity } from "../../identity/declared.js";
import type { SuiteRequest, SuiteSettlement } from "../../policy/suite-schema.js";

/** A case has few, and a suite has many cases. */
const KEPT_CALLERS = 64;

/** The use cases over one policy and counters of its own, in a time that a case tells. */
export class SuiteStage {
  readonly snapshot: Snapshot;
  readonly #state: StoreState;
  readonly #declared: Desk;
  readonly #proved: Desk;
  #now: EpochMs;

  constructor(policy: Policy, at: EpochMs) {
    let drawn = 0;
    // Nobody has to be kept from guessing these, and a suite must come to the same each time.
    const random = () => drawn++ % 2 ** 24;
    this.#now = at;
    this.#state = new StoreState(random);
    const store = new MemoryStore(random, { state: this.#state });
    this.snapshot = new Snapshot(policy, new Calendar(policy.timezone), store, KEPT_CALLERS);
    const clock = { now: () => this.#now };
    this.#declared = {
      identity: declaredIdentity(),
      store,
      clock,
      log: { decided: () => {}, settled: () => {}, released: () => {} },
      snapshot: () => this.snapshot,
      inventId: () => inventRequestId(random),
    };
    this.#proved = { ...this.#declared, identity: credentialIdentity(clock) };
  }

  get now(): EpochMs {
    return this.#now;
  }

  wait(ms: Millis): void {
    this.#now += ms;
  }

  /** Count something as used now; as under way, where it is calls at one time, until reservations made now expire. */
  use(counter: Counter, amount: number, reservationTtlMs: Millis): void {
    const { counters } = this.#state;
    const { window } = counter;
    const windows = this.snapshot.calendar.at(this.#now);
    const slot = counters.findOrMake(counter);
    counters.advance(slot, window, windows, this.#now);
    const place = placeIn(window, windows, this.#now);
    const ending = { ends: endsAt(this.#now, reservationTtlMs), givesBack: true };
    if (window === "in_flight") counters.reserve(slot, window, place, amount, ending);
    else counters.use(slot, window, place, amount, this.#now);
  }

  /** Say who asks, as Authorize would. */
  whoIs(request: SuiteRequest): Identified {
    const { principal } = callOf(request);
    return whoAsks(this.#deskFor(request).identity, this.snapshot, principal, evidenceOf(request));
  }

  /** Every limit that governs who asks; none where the policy does not know them. */
  async limitsOf(request: SuiteRequest): Promise<readonly LimitReport[]> {
    const found = this.whoIs(request);
    if (found.kind !== "resolved") return [];
    const readings = await this.#declared.store.read(found.account, this.snapshot.calendar, this.#now);
    return "kind" in readings ? [] : reportAll(found.account.caller, readings);
  }

  async ask(request: SuiteRequest): Promise<Decision | Fault> {
    return authorize(this.#deskFor(request), callOf(request), { evidence: evidenceOf(request) });
  }

  /** @param request the one that was asked, by whose caller it is settled. */
  async settle(settlement: SuiteSettlement, reservationId: string, request: SuiteRequest): Promise<Recorded | Fault> {
    const { outcome = "succeeded" } = settlement;
    const { principal } = callOf(request);
    const call = {
      reservationId,
      requestId: "",
      principal,
      model: "",
      endpoint: undefined,
      usage: usageOf(settlement),
      outcome,
      labels: {},
      includeLimits: false,
    };
    return recordUsage(this.#deskFor(request), call, { evidence: evidenceOf(request) });
  }

  #deskFor({ spiffe, claims }: SuiteRequest): Desk {
    return spiffe === undefined && claims === undefined ? this.#declared : this.#proved;
  }
}

/** What a request of a suite would prove its caller by. */
function evidenceOf({ spiffe, claims }: SuiteRequest): Evidence {
  return { ...(spiffe === undefined ? {} : { spiffeId: spiffe }), ...(claims && { claims }) };
}

/** What a request of a suite asks Authorize. */
export function callOf(request: SuiteRequest): AuthorizeCall {
  const { principal = "", role = "", workspace = "" } = request;
  return {
    requestId: request.request_id ?? "",
    principal: { id: principal, role, workspace },
    model: request.model ?? "",
    endpoint: request.endpoint,
    request: {
      inputTokens: request.input_tokens ?? 0,
      maxOutputTokens: request.max_output_tokens ?? 0,
      pages: request.pages ?? 0,
      audioSeconds: request.audio_seconds ?? 0,
      annotatedPages: request.annotated_pages ?? false,
    },
    labels: {},
    dryRun: false,
    includeLimits: false,
  };
}

/** undefined: the settlement says nothing of what was used. */
function usageOf({ of: _of, outcome: _outcome, ...usage }: SuiteSettlement) {
  if (Object.keys(usage).length === 0) return undefined;
  return {
    inputTokens: usage.input_tokens ?? 0,
    cachedInputTokens: usage.cached_input_tokens ?? 0,
    outputTokens: usage.output_tokens ?? 0,
    pages: usage.pages ?? 0,
    audioSeconds: usage.audio_seconds ?? 0,
    annotatedPages: usage.annotated_pages ?? false,
  };
}
