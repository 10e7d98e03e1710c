import type { Decision } from "../../app/decision.js";
import type { Fault } from "../../app/fault.js";
import type { LimitReport } from "../../app/limit-report.js";
import { evaluate } from "../../domain/evaluate.js";
import type { Policy } from "../../domain/policy.js";
import type { Tokens } from "../../domain/units.js";
import { type Held, holdAgainst, largestOutput, offersFor } from "../../domain/what-passes.js";
import type { Expectation, SuiteRequest, SuiteSettlement } from "../../policy/suite-schema.js";
import { compareDecision, compareRecorded, type Difference } from "./compare.js";
import type { PreparedCase } from "./prepare.js";
import { callOf, SuiteStage } from "./stage.js";

/** Where a case did not come to what was expected of it. What follows in it was not tried. */
export interface CaseFailure {
  /** From 1; undefined: the case is one request. */
  readonly step: number | undefined;
  readonly what: "request" | "settle";
  /** From 1, of a request that is asked several times. */
  readonly time: number | undefined;
  readonly differences: readonly Difference[];
  /** What the answer said; undefined where it said nothing. */
  readonly message: string | undefined;
  /** Every limit that governs the call, as it stood before; empty where a rule decided. */
  readonly held: readonly (Held & { readonly of: string })[];
  /** undefined: the call has no output, or a rule refuses it whatever its size. */
  readonly largestOutput: Tokens | undefined;
  /** Models that would have passed, where the one that was asked for is refused by a rule. */
  readonly passing: readonly string[];
}

/** Run a case on counters of its own. @returns where it failed; undefined where it passed. */
export async function runCase(policy: Policy, prepared: PreparedCase): Promise<CaseFailure | undefined> {
  const stage = new SuiteStage(policy, prepared.at);
  for (const { counter, amount, reservationTtlMs } of prepared.seeds) stage.use(counter, amount, reservationTtlMs);
  const run = new CaseRun(stage);
  for (const [index, { request, times = 1, settle, expect, wait }] of prepared.steps.entries()) {
    const step = prepared.isSteps ? index + 1 : undefined;
    if (wait !== undefined) stage.wait(wait);
    for (let time = 1; request && time <= times; time++) {
      const failed = await run.ask(request, expect ?? { decision: "allow" });
      if (failed) return { step, what: "request", time: times > 1 ? time : undefined, ...failed };
    }
    const failed = settle && (await run.settle(settle, expect));
    if (failed) return { step, what: "settle", time: undefined, ...failed };
  }
  return undefined;
}

type Failed = Omit<CaseFailure, "step" | "what" | "time">;

interface Asked {
  readonly request: SuiteRequest;
  /** undefined: it was refused. */
  readonly reservationId: string | undefined;
}

class CaseRun {
  readonly #stage: SuiteStage;
  readonly #byRequestId = new Map<string, Asked>();
  /** Calls that were allowed and are not settled yet, the last one last. */
  #open: readonly Asked[] = [];

  constructor(stage: SuiteStage) {
    this.#stage = stage;
  }

  async ask(request: SuiteRequest, expect: Expectation): Promise<Failed | undefined> {
    const before = await this.#stage.limitsOf(request);
    const answer = await this.#stage.ask(request);
    const asked = { request, reservationId: answer.kind === "allowed" ? answer.grant.reservationId : undefined };
    if (asked.reservationId !== undefined) this.#open = [...this.#open, asked];
    if (request.request_id !== undefined) this.#byRequestId.set(request.request_id, asked);

    const differences = compareDecision(expect, answer, await this.#stage.limitsOf(request));
    if (differences.length === 0) return undefined;
    return { differences, message: messageOf(answer), ...circumstances(this.#stage, request, before) };
  }

  async settle(settlement: SuiteSettlement, expect: Expectation | undefined): Promise<Failed | undefined> {
    const { of } = settlement;
    const asked = of === undefined ? this.#open.at(-1) : this.#byRequestId.get(of);
    if (asked?.reservationId === undefined) {
      const nothing = { field: "settle", expected: "a call that was allowed", got: "none that is not settled" };
      return { differences: [nothing], message: undefined, ...NOTHING_MORE };
    }
    this.#open = this.#open.filter(({ reservationId }) => reservationId !== asked.reservationId);
    const answer = await this.#stage.settle(settlement, asked.reservationId, asked.request);
    const differences = compareRecorded(expect ?? {}, answer, await this.#stage.limitsOf(asked.request));
    return differences.length === 0 ? undefined : { differences, message: undefined, ...NOTHING_MORE };
  }
}

const NOTHING_MORE = { held: [], largestOutput: undefined, passing: [] } as const;

function messageOf(answer: Decision | Fault): string | undefined {
  return answer.kind === "denied" ? answer.message : undefined;
}

function circumstances(
  stage: SuiteStage,
  request: SuiteRequest,
  before: readonly LimitReport[],
): Pick<CaseFailure, "held" | "largestOutput" | "passing"> {
  const found = stage.whoIs(request);
  if (found.kind !== "resolved") return NOTHING_MORE;
  const { standing } = found;
  const { model, endpoint: asked, request: amounts } = callOf(request);
  const plan = stage.snapshot.plan(found, model, asked, amounts.annotatedPages);
  const counted = new Map(before.map(({ limit, used, reserved }) => [limit.name, { used, reserved }]));
  if (plan.kind === "refused") {
    const endpoint = asked ?? plan.endpoint;
    const offers = offersFor({ policy: stage.snapshot.policy, standing, request: amounts, endpoint, counted });
    return { ...NOTHING_MORE, passing: offers.filter(({ passes }) => passes).map(({ model: { id } }) => id) };
  }
  const verdict = evaluate(standing, plan, amounts);
  if (verdict.kind === "uncountable") return NOTHING_MORE;
  const scopes = new Map(before.map(({ limit, scopeId }) => [limit.name, scopeId]));
  const held = holdAgainst(standing, counted, verdict.worst);
  return {
    held: held.map((one) => ({ ...one, of: scopes.get(one.limit.name) ?? "" })),
    largestOutput: plan.hasOutput ? largestOutput({ standing, plan, request: amounts, counted }) : undefined,
    passing: [],
  };
}
