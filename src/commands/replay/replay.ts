import type { Decision } from "../../app/decision.js";
import type { Fault } from "../../app/fault.js";
import type { Grant } from "../../app/ports.js";
import type { Policy } from "../../domain/policy.js";
import type { EpochMs, NanoUsd } from "../../domain/units.js";
import type {
  AskedAgain,
  DecisionLine,
  LogLine,
  ReleaseLine,
  SettlementLine,
} from "../../telemetry/decisions/read-line.js";
import { byRequest, byReservation, type OpenCall, OpenCalls } from "./open-calls.js";
import { ReplayDesk } from "./replay-desk.js";
import { Tally, type Turn, type TurnKind } from "./tally.js";

/** Why a decision of the log is not held against a new one. */
export const NOT_COMPARED = ["unauthenticated", "store_unavailable", "at_the_door", "repeats"] as const;
export type NotCompared = (typeof NOT_COMPARED)[number];

/** What a replay came to, beside the turns. */
export interface ReplayFacts {
  decisions: number;
  /** Of the first and the last line. */
  from: EpochMs | undefined;
  to: EpochMs | undefined;
  /** That decided then; the first of them. */
  readonly revisions: Set<string>;
  /** The smallest share of allowed decisions that a line speaks of; 1: the log is whole. */
  share: number;
  sameAllowed: number;
  sameDenied: number;
  /** Of the denied ones, those that would be denied for another reason or by another limit. */
  deniedOtherwise: number;
  readonly dryRuns: { decisions: number; turned: number };
  readonly notCompared: Map<NotCompared, number>;
  /** What calls cost that are allowed both times and settled, then and at the new prices. */
  readonly spent: { was: NanoUsd; now: NanoUsd };
  /** Calls that used more output than the new policy would have let them have. */
  shortened: number;
  /** Usage whose call is not in the log. */
  readonly unreserved: { charged: number; notCharged: number };
  /** Decisions that each limit in shadow of the new policy would have denied. */
  readonly inShadow: Map<string, number>;
}

const REVISIONS_KEPT = 8;
/** Forgetting is looked after once in so many lines. */
const LINES_BETWEEN = 256;

/** Decides a log again by another policy, line by line in the order of time, and holds the answers against each other. */
export class Replay {
  readonly tally: Tally;
  readonly facts: ReplayFacts = {
    decisions: 0,
    from: undefined,
    to: undefined,
    revisions: new Set(),
    share: 1,
    sameAllowed: 0,
    sameDenied: 0,
    deniedOtherwise: 0,
    dryRuns: { decisions: 0, turned: 0 },
    notCompared: new Map(),
    spent: { was: 0, now: 0 },
    shortened: 0,
    unreserved: { charged: 0, notCharged: 0 },
    inShadow: new Map(),
  };
  readonly #desk: ReplayDesk;
  readonly #open = new OpenCalls((call) => this.#endUnsettled(call));
  #lines = 0;

  /** @param shown how many examples of each kind of turn are kept. */
  constructor(policy: Policy, shown: number) {
    this.tally = new Tally(shown);
    this.#desk = new ReplayDesk(policy);
  }

  async take(line: LogLine): Promise<void> {
    this.facts.from ??= line.at;
    this.#desk.reach(line.at);
    this.facts.to = this.#desk.now;
    if (++this.#lines % LINES_BETWEEN === 0) this.#open.forgetUntil(this.#desk.now);
    switch (line.kind) {
      case "decision":
        return this.#decide(line);
      case "settlement":
        return this.#settle(line);
      case "release":
        return this.#release(line);
    }
  }

  /** Take the log to be over: what was not settled until now is taken at what it had reserved. */
  end(): void {
    this.#open.forgetUntil(Number.POSITIVE_INFINITY);
  }

  async #decide(line: DecisionLine): Promise<void> {
    const { facts } = this;
    facts.decisions++;
    if (facts.revisions.size < REVISIONS_KEPT && line.policyRevision !== "") facts.revisions.add(line.policyRevision);
    facts.share = Math.min(facts.share, line.share);
    const why = this.#whyNotCompared(line);
    // A settlement of it may name the reservation that only this line tells.
    if (why === "repeats" && this.#isEarly(line)) this.#open.keep(line, { kind: "early" });
    if (why) return increment(facts.notCompared, why);
    // Without a question it was refused at the door, which has been said.
    if (!line.asked) return;
    const answer = await this.#desk.ask(line.caller, line.asked, line.dryRun);
    this.#countShadow(answer);
    if (line.dryRun) this.#compareDryRun(line, answer);
    else this.#compare(line, line.asked, answer);
  }

  #whyNotCompared(line: DecisionLine): NotCompared | undefined {
    if (line.reason === "unauthenticated" || line.reason === "store_unavailable") return line.reason;
    if (!line.asked || line.requestId === "") return "at_the_door";
    if (line.dryRun) return undefined;
    if (line.allowed && this.#open.find(byReservation(line.reservationId))) return "repeats";
    return this.#isEarly(line) ? "repeats" : undefined;
  }

  /** Whether its first try was denied then, and was let through and charged in the replay. */
  #isEarly(line: DecisionLine): boolean {
    return this.#open.find(byRequest(line))?.kind === "early";
  }

  #compare(line: DecisionLine, asked: AskedAgain, answer: Decision | Fault): void {
    const { facts } = this;
    if (answer.kind === "allowed") {
      this.#admit(line, asked, answer.grant);
      return;
    }
    const cause = causeOf(answer);
    if (!line.allowed) {
      facts.sameDenied++;
      if (cause.reason !== line.reason || cause.limit !== line.refusedBy) facts.deniedOtherwise++;
      return;
    }
    const turn: Turn = { ...turnOf("blocked", line), cause, message: answer.message };
    this.tally.add(turn);
    this.#open.keep(line, { kind: "blocked", turn, worst: line.cost });
  }

  #admit(line: DecisionLine, asked: AskedAgain, { reservationId, outputTokens, cost }: Grant): void {
    if (line.allowed) {
      this.facts.sameAllowed++;
      const cap = asked.request.maxOutputTokens > 0 ? undefined : outputTokens;
      this.#open.keep(line, { kind: "admitted", reservationId, cap });
      return;
    }
    // Nobody knows what such a call would have used: all that it reserves, at once.
    const cause = { limit: line.refusedBy, reason: line.reason };
    this.tally.add({ ...turnOf("admitted", line), cause, message: "", cost });
    this.#desk.settle(reservationId, undefined, "succeeded");
    this.#open.keep(line, { kind: "early" });
  }

  #compareDryRun({ allowed }: DecisionLine, answer: Decision | Fault): void {
    const { dryRuns } = this.facts;
    dryRuns.decisions++;
    if ((answer.kind === "allowed") !== allowed) dryRuns.turned++;
  }

  #countShadow(answer: Decision | Fault): void {
    if (answer.kind === "fault") return;
    const { shadowDenials } = answer.kind === "allowed" ? answer.grant : answer;
    for (const limit of shadowDenials) increment(this.facts.inShadow, limit);
  }

  async #settle(line: SettlementLine): Promise<void> {
    const { reservationId, usage, outcome, cost } = line;
    const call = this.#open.take(reservationId === "" ? byRequest(line) : byReservation(reservationId));
    switch (call?.kind) {
      case undefined:
        return this.#charge(line);
      case "early":
        return;
      case "blocked":
        return this.tally.settle(call.turn, cost, false);
      case "admitted": {
        if (call.cap !== undefined && usage && usage.outputTokens > call.cap) this.facts.shortened++;
        const settled = this.#desk.settle(call.reservationId, usage, outcome);
        // It ended by the new policy's `unsettled` too long ago to be known.
        if (settled.kind !== "settled") return this.#charge(line);
        this.facts.spent.was += cost;
        this.facts.spent.now += settled.cost;
      }
    }
  }

  async #charge(line: SettlementLine): Promise<void> {
    const charged = await this.#desk.charge(line);
    this.facts.unreserved[charged.kind === "recorded" ? "charged" : "notCharged"]++;
  }

  #release({ reservationId, isRemembered }: ReleaseLine): void {
    const name = byReservation(reservationId);
    const call = this.#open.find(name);
    // What is remembered may still be settled.
    if (call?.kind !== "admitted" || !isRemembered) this.#open.take(name);
    if (call?.kind === "admitted") this.#desk.release(call.reservationId, !isRemembered);
    if (call?.kind === "blocked") this.tally.settle(call.turn, 0, false);
  }

  #endUnsettled(call: OpenCall): void {
    if (call.kind === "blocked") this.tally.settle(call.turn, call.worst, true);
  }
}

function turnOf(
  kind: TurnKind,
  { at, caller, model, asked, requestId }: DecisionLine,
): Omit<Turn, "cause" | "message"> {
  return { kind, at, caller, model: model || (asked?.model ?? ""), requestId, cost: undefined };
}

/** The limit that decides stands first. A question that is at fault under the new policy is denied as such. */
function causeOf(answer: Exclude<Decision, { kind: "allowed" }> | Fault): Turn["cause"] {
  if (answer.kind === "fault") return { limit: undefined, reason: answer.code };
  const { reason, refusing, limits } = answer;
  return { limit: refusing > 0 ? limits[0]?.limit.name : undefined, reason };
}

function increment<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
