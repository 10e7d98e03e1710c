import type { Amounts } from "../domain/charges.js";
import type { AccessRequest } from "../domain/evaluate.js";
import type { Limit } from "../domain/limit.js";
import type { Endpoint } from "../domain/model.js";
import type { Reason } from "../domain/reason.js";
import type { Millis } from "../domain/units.js";
import type { Decision } from "./decision.js";
import type { Labels } from "./forms.js";
import type { Evidence } from "./identity-ports.js";
import type { CallerName } from "./ports.js";
import type { RecordUsageCall } from "./usage-report.js";

/**
 * Told of every decision, settlement and release; must return at once and never throw.
 *
 * What it is told holds no credential and no prompt, and nothing that changes later: it may be kept.
 */
export interface DecisionLog {
  decided(decision: Decided): void;
  settled(settlement: Settled): void;
  released(release: Released): void;
}

/** Where a call came in. */
export type CallDoor = "grpc" | "stream" | "envoy";

/** How a call came in: what only its door knows, and only a log asks for. */
export interface Origin {
  readonly door: CallDoor;
  /** When its message was there, by `performance.now()`. */
  readonly begunMs: Millis;
  /** As it was sent in `traceparent`, not looked into yet; undefined: not sent, or too long to be one. */
  readonly traceparent: string | undefined;
}

/** How a call came in besides its message; a part that its door does not know, or that nobody asks for, is left out. */
export interface Arrival {
  readonly evidence?: Evidence | undefined;
  /** For the log. */
  readonly origin?: Origin | undefined;
}

/** What is counted of a decision. */
export interface DecisionTally {
  readonly reason: Reason;
  /** Names that the policy knows; undefined where it does not. */
  readonly workspace: string | undefined;
  readonly model: string | undefined;
  readonly dryRun: boolean;
  readonly degraded: boolean;
  /** Limits in shadow that would have denied it; left out where there are none. */
  readonly shadowDenials?: readonly string[];
}

/** A decision, and what it was made of. */
export interface Decided extends DecisionTally {
  /** undefined where it was not read: it did not matter any more. */
  readonly question: Question | undefined;
  /** As far as it is known; a part that is not known is empty. */
  readonly caller: CallerName;
  /** What was asked for, or the model's first one. */
  readonly endpoint: Endpoint | undefined;
  /** What the call may cost at the most; undefined where no amount was looked at. */
  readonly worst: Amounts | undefined;
  /** Those that the call was held against; none where a rule came first. */
  readonly limits: readonly Limit[];
  readonly answer: Decision | TurnedAway;
  /** undefined: nobody asked for it. */
  readonly origin: Origin | undefined;
}

/** What was asked, in numbers and names: with the policy of another day it can be decided again. */
export interface Question {
  /** Empty: the server makes one. */
  readonly requestId: string;
  /** As the caller named it. */
  readonly model: string;
  /** undefined: the model's first one. */
  readonly endpoint: Endpoint | undefined;
  readonly request: AccessRequest;
  readonly labels: Labels;
}

/** A call that its door refused before anything was asked of the rules. */
export interface TurnedAway {
  readonly kind: "turned_away";
  readonly message: string;
  readonly httpStatus: number;
  readonly policyRevision: string;
}

/** What is counted of a settlement. */
export interface SettlementTally {
  readonly workspace: string;
  /** The dated one. */
  readonly model: string;
  /** Charged. */
  readonly amounts: Amounts;
  readonly unreserved: boolean;
}

/** Usage that was charged. Told once: a report that came again changes nothing. */
export interface Settled extends SettlementTally {
  /** Whose usage it is: who reserved. */
  readonly caller: CallerName;
  readonly call: RecordUsageCall;
  /** Of the policy in force. */
  readonly policyRevision: string;
  /** undefined: nobody asked for it, or the report waited for the store. */
  readonly origin: Origin | undefined;
}

/** A reservation that was given back whole. */
export interface Released {
  readonly reservationId: string;
  readonly why: WhyReleased;
}

/** Its caller had gone before it was answered; the call could not be sent on; an operator said so. */
export type WhyReleased = "caller_gone" | "not_sent" | "operator";
