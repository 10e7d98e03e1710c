import { authorize } from "../../src/app/authorize.js";
import { checkBudget } from "../../src/app/check-budget.js";
import type { Desk } from "../../src/app/desk.js";
import type { CounterStore } from "../../src/app/ports.js";
import { recordUsage } from "../../src/app/record-usage.js";
import { SnapshotInForce } from "../../src/app/snapshot-in-force.js";
import { inventRequestId } from "../../src/counters/memory/ids.js";
import { MemoryStore } from "../../src/counters/memory/memory-store.js";
import { parseDuration } from "../../src/domain/duration.js";
import type { Policy } from "../../src/domain/policy.js";
import { declaredIdentity } from "../../src/identity/declared.js";
import { loadPolicy } from "../../src/policy/load-policy.js";
import type { Entry } from "../../src/telemetry/decisions/entry.js";
import { jsonLines } from "../../src/telemetry/decisions/json-lines.js";
import { FakeClock, instant } from "../support/fake-clock.js";
import { seededRandom24 } from "../support/seeded-random.js";
import type { GoldenCase, Question, Report, Step } from "./case.js";
import { viewBudget, viewDecision, viewRecorded } from "./views.js";

/** Where the clock stands before the first step that says otherwise. */
const START = "2026-03-10T00:00:00Z";

const AWAY = { kind: "away", cause: new Error("the golden case says so") } as const;

/** The use cases over the real policy reader and the real store, in a time that the case tells. */
export class GoldenStage {
  readonly #clock = new FakeClock(START);
  readonly #store: MemoryStore;
  readonly #inForce: SnapshotInForce;
  readonly #desk: Desk;
  /** By the request_id of the call that reserved. */
  readonly #reservationIds = new Map<string, string>();
  /** What the last step left in the decision log. */
  logged: readonly unknown[] = [];
  readonly #lineOf = jsonLines({ replica: "golden", share: 1 });
  #isAway = false;

  constructor({ policy }: GoldenCase) {
    const random = seededRandom24(1);
    this.#store = new MemoryStore(random);
    const store = fading(this.#store, () => this.#isAway);
    this.#inForce = new SnapshotInForce(readPolicy(policy), store, this.#clock);
    this.#desk = {
      identity: declaredIdentity(),
      store,
      clock: this.#clock,
      log: {
        decided: (facts) => this.#write({ kind: "decision", ...this.#stamp(), facts }),
        settled: (facts) => this.#write({ kind: "settlement", ...this.#stamp(), facts }),
        released: (facts) => this.#write({ kind: "release", ...this.#stamp(), facts }),
      },
      snapshot: () => this.#inForce.current(),
      inventId: () => inventRequestId(random),
    };
  }

  /** Do one step, once. @returns what came of it, in the form of what is expected; undefined where nothing is. */
  async play(step: Step): Promise<unknown> {
    this.#moveTo(step.at);
    this.logged = [];
    if ("authorize" in step) return this.#authorize(step.authorize);
    if ("record_usage" in step) return this.#record(step.record_usage);
    if ("check_budget" in step) return viewBudget(await checkBudget(this.#desk, step.check_budget));
    if ("release" in step) return this.#release(step.release);
    if ("reload" in step) this.#inForce.swap(readPolicy(step.reload));
    else this.#isAway = step.store === "away";
    return undefined;
  }

  #stamp() {
    return { at: this.#clock.now(), tookMs: undefined };
  }

  #write(entry: Entry): void {
    const line: unknown = JSON.parse(this.#lineOf(entry));
    this.logged = [...this.logged, line];
  }

  #moveTo(at: string | undefined): void {
    if (at === undefined) return;
    const span = at.startsWith("+") ? parseDuration(at.slice(1)) : undefined;
    const next = span === undefined ? instant(at) : this.#clock.now() + span;
    if (next < this.#clock.now()) throw new RangeError(`${at} is before the step before`);
    this.#clock.moveTo(next);
  }

  async #authorize({ request_id, principal, model, endpoint, dry_run, include_limits, ...request }: Question) {
    const decision = await authorize(this.#desk, {
      requestId: request_id,
      principal,
      model,
      endpoint,
      request: {
        inputTokens: request.input_tokens,
        maxOutputTokens: request.max_output_tokens,
        pages: request.pages,
        audioSeconds: request.audio_seconds,
        annotatedPages: request.annotated_pages,
      },
      labels: request.labels,
      dryRun: dry_run,
      includeLimits: include_limits,
    });
    if (decision.kind === "allowed") this.#reservationIds.set(request_id, decision.grant.reservationId);
    return viewDecision(decision);
  }

  async #record({ reservation_of, request_id, principal, model, endpoint, usage, outcome, include_limits }: Report) {
    const recorded = await recordUsage(this.#desk, {
      reservationId: reservation_of === undefined ? "" : this.#reservationIdOf(reservation_of),
      requestId: request_id,
      principal,
      model,
      endpoint,
      usage: usage && {
        inputTokens: usage.input_tokens,
        cachedInputTokens: usage.cached_input_tokens,
        outputTokens: usage.output_tokens,
        pages: usage.pages,
        audioSeconds: usage.audio_seconds,
        annotatedPages: usage.annotated_pages,
      },
      outcome,
      labels: {},
      includeLimits: include_limits,
    });
    return viewRecorded(recorded);
  }

  #release(requestId: string): string {
    const now = this.#clock.now();
    const { calendar } = this.#inForce.current();
    return this.#store.release({ reservationId: this.#reservationIdOf(requestId), forget: false, now, calendar }).kind;
  }

  #reservationIdOf(requestId: string): string {
    const id = this.#reservationIds.get(requestId);
    if (id === undefined) throw new Error(`no call with request_id ${requestId} was allowed`);
    return id;
  }
}

function readPolicy(text: string): Policy {
  const loaded = loadPolicy(Buffer.from(text), "policy");
  if (loaded.kind === "faulty") throw new Error(loaded.faults.map(({ path, what }) => `${path}: ${what}`).join("\n"));
  return loaded.policy;
}

/** A store that does not answer while the case says so. */
function fading(store: MemoryStore, isAway: () => boolean): CounterStore {
  return {
    open: (caller) => store.open(caller),
    reserve: (reserve) => (isAway() ? AWAY : store.reserve(reserve)),
    settle: (settle) => (isAway() ? AWAY : store.settle(settle)),
    charge: (charge) => (isAway() ? AWAY : store.charge(charge)),
    release: (release) => (isAway() ? AWAY : store.release(release)),
    read: (account, windows, now) => (isAway() ? AWAY : store.read(account, windows, now)),
    counters: (page) => (isAway() ? AWAY : store.counters(page)),
    reservations: (page, now) => (isAway() ? AWAY : store.reservations(page, now)),
    totals: (page, now) => (isAway() ? AWAY : store.totals(page, now)),
  };
}
