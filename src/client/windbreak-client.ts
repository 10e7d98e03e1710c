import type { Endpoint } from "../domain/model.js";
import type { Outcome, Usage } from "../domain/settlement.js";
import type { AuthorizeRequest, RecordUsageRequest } from "../gen/windbreak/v1/policy_decision.js";
import type { Budget, Decision, Recorded } from "./answers.js";
import { type Asked, Connection } from "./connection.js";
import type { Caller, ConnectionOptions } from "./options.js";
import { WindbreakError } from "./windbreak-error.js";
import { budgetOf, decisionOf, endpointNumber, recordedOf } from "./wire.js";

/** What is asked before a call to Mistral. Tokens are whole; what is left out is 0. */
export interface Question extends Caller {
  /** Idempotency key: the same question with the same id reserves once. Windbreak makes one where left out. */
  readonly requestId?: string | undefined;
  readonly model: string;
  /** The model's first one where left out. */
  readonly endpoint?: Endpoint | undefined;
  readonly inputTokens?: number | undefined;
  /** Over all choices; where left out, the decision names the cap to send. */
  readonly maxOutputTokens?: number | undefined;
  readonly pages?: number | undefined;
  readonly audioSeconds?: number | undefined;
  readonly annotatedPages?: boolean | undefined;
  /** Decide, and reserve nothing. */
  readonly dryRun?: boolean | undefined;
  readonly includeLimits?: boolean | undefined;
}

/** What is told after it: by the reservation, or by the request id alone together with who called what. */
export interface Report extends Caller {
  readonly reservationId?: string | undefined;
  readonly requestId?: string | undefined;
  readonly model?: string | undefined;
  readonly endpoint?: Endpoint | undefined;
  /** Left out: not known, and the estimate is charged; nothing where the outcome is `failed`. */
  readonly usage?: Partial<Usage> | undefined;
  /** Default `succeeded`. */
  readonly outcome?: Outcome | undefined;
  readonly includeLimits?: boolean | undefined;
}

export interface WindbreakClient {
  /** Ask for a decision; a denial is one. @throws WindbreakError where none was made. */
  authorize(question: Question): Promise<Decision>;
  /** Settle what a call used. Safe to resend. @throws WindbreakError */
  recordUsage(report: Report): Promise<Recorded>;
  /** Read the limits that govern a principal. @throws WindbreakError */
  checkBudget(caller?: Caller): Promise<Budget>;
  close(): void;
}

const OUTCOMES: readonly Outcome[] = ["succeeded", "failed", "cancelled"];

/** Ask a Windbreak directly, without Mistral's client. Nothing is retried, and nothing fails open. */
export function createWindbreakClient(options: ConnectionOptions = {}): WindbreakClient {
  const connection = new Connection(options);
  return {
    authorize: async (question) => decisionOf(answered(await connection.authorize(authorizeRequest(question)))),
    recordUsage: async (report) => recordedOf(answered(await connection.recordUsage(usageRequest(report)))),
    checkBudget: async (caller = {}) =>
      budgetOf(answered(await connection.checkBudget({ principal: principalOf(caller), model: "" }))),
    close: () => connection.close(),
  };
}

/** Write a question as it travels. */
export function authorizeRequest(question: Question): AuthorizeRequest {
  const { requestId = "", model, endpoint, inputTokens = 0, maxOutputTokens = 0 } = question;
  const { pages = 0, audioSeconds = 0, annotatedPages = false, dryRun = false, includeLimits = false } = question;
  return {
    requestId,
    principal: principalOf(question),
    model,
    endpoint: endpointNumber(endpoint),
    inputTokens,
    maxOutputTokens,
    pages,
    audioSeconds,
    annotatedPages,
    dryRun,
    includeLimits,
    labels: { ...question.labels },
  };
}

/** Write a report as it travels. */
export function usageRequest(report: Report): RecordUsageRequest {
  const { reservationId = "", requestId = "", model = "", endpoint, usage, outcome = "succeeded" } = report;
  return {
    reservationId,
    requestId,
    principal: principalOf(report),
    model,
    endpoint: endpointNumber(endpoint),
    usage: usage && { ...NOTHING_USED, ...usage },
    // The enum on the wire lists the outcomes in this order, from 1.
    outcome: OUTCOMES.indexOf(outcome) + 1,
    labels: { ...report.labels },
    includeLimits: report.includeLimits ?? false,
  };
}

const NOTHING_USED: Usage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  pages: 0,
  audioSeconds: 0,
  annotatedPages: false,
};

/** Undefined where nothing is said of it: the service knows by its identity mode. */
function principalOf({ principal, role, workspace }: Caller) {
  if (principal === undefined && role === undefined && workspace === undefined) return undefined;
  return { id: principal ?? "", role: role ?? "", workspace: workspace ?? "" };
}

function answered<Message>(asked: Asked<Message>): Message {
  if (asked.kind === "fault") throw new WindbreakError(asked);
  return asked.message;
}
