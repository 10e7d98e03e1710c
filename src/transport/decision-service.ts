import type { ServerDuplexStream, ServerUnaryCall, sendUnaryData, UntypedServiceImplementation } from "@grpc/grpc-js";
import { authorize } from "../app/authorize.js";
import { checkBudget } from "../app/check-budget.js";
import type { Arrival, Origin } from "../app/decision-log.js";
import type { Desk } from "../app/desk.js";
import type { Fault } from "../app/fault.js";
import { followedDesk } from "../app/followed-desk.js";
import type { Evidence } from "../app/identity-ports.js";
import { logUnauthenticated } from "../app/log-decision.js";
import type { MaybePromise } from "../app/ports.js";
import { recordUsage } from "../app/record-usage.js";
import {
  claimedFacts,
  decisionFacts,
  faultFacts,
  questionFacts,
  recordedFacts,
  reportFacts,
} from "../app/trace-facts.js";
import type { Facts } from "../app/tracing.js";
import { whenDone } from "../app/when-done.js";
import { PolicyDecisionServiceService } from "../gen/windbreak/v1/policy_decision.js";
import { abandon, type ServiceOptions } from "./abandon.js";
import { OpenStream } from "./authorize-stream.js";
import { readAuthorize, readCheckBudget, readRecordUsage, writeBudget, writeDecision, writeRecorded } from "./codec.js";
import { evidenceOf } from "./evidence.js";
import { inBytes } from "./in-bytes.js";
import type { Misread } from "./misread.js";
import { arrivalOf, originOf, traceparentIn } from "./origin.js";
import { CANCELLED, INTERNAL, OK, type Status, statusName, statusOf, TOO_LATE } from "./status.js";
import { type Stranger, strangerIn, unknownIn } from "./stranger.js";
import { traceContextIn } from "./trace-headers.js";

/** The service's methods with bytes in and bytes out. */
export const DECISION_SERVICE = inBytes(PolicyDecisionServiceService);

/** Make the handlers of the four RPCs. */
export function decisionHandlers(options: ServiceOptions): UntypedServiceImplementation {
  const { desk } = options;
  const { authorize: authorizing, recordUsage: recording, checkBudget: checking } = PolicyDecisionServiceService;
  return {
    authorize: unary(options, {
      name: nameOf(authorizing),
      read: readAuthorize,
      decide: authorize,
      write: writeDecision,
      undo: (answer) => {
        if (answer.kind === "allowed") abandon(options, answer.grant.reservationId);
      },
      unproved: (fault, origin) => logUnauthenticated(desk, fault, origin),
      stranger: unknownIn,
      asked: questionFacts,
      answered: decisionFacts,
    }),
    recordUsage: unary(options, {
      name: nameOf(recording),
      read: readRecordUsage,
      decide: recordUsage,
      write: writeRecorded,
      asked: reportFacts,
      answered: recordedFacts,
    }),
    checkBudget: unary(options, {
      name: nameOf(checking),
      read: readCheckBudget,
      decide: (at, call, arrival) => checkBudget(at, call, arrival?.evidence),
      write: writeBudget,
      asked: ({ principal }) => claimedFacts(principal),
      answered: ({ policyRevision }) => ({ "windbreak.policy_revision": policyRevision }),
    }),
    authorizeStream: (call: ServerDuplexStream<Buffer, Buffer>) => new OpenStream(options, call).run(),
  };
}

type UnaryCall = ServerUnaryCall<Buffer, Buffer>;

interface Method<Call, Answer> {
  /** Of the RPC, in traces. */
  readonly name: string;
  readonly read: (bytes: Buffer) => Call | Misread;
  readonly decide: (desk: Desk, call: Call, arrival: Arrival | undefined) => MaybePromise<Answer | Fault>;
  readonly write: (answer: Answer) => Buffer;
  /** Gives back what an answer reserved, where its caller went away before it was written. */
  readonly undo?: (answer: Answer) => void;
  /** Told that its caller did not prove who it is, before its message was read. */
  readonly unproved?: (fault: Fault, origin: Origin | undefined) => void;
  /** Sees in an answer, which is no fault, that it is for who calls. */
  readonly stranger?: (answer: Answer, call: UnaryCall) => Stranger | undefined;
  /** What a trace tells of the question. */
  readonly asked: (call: Call) => Facts;
  /** And of its answer. */
  readonly answered: (answer: Answer) => Facts;
}

/**
 * Make the handler of one unary RPC: find out who calls, read, decide, write.
 *
 * Who cannot say who it is hears that, and not what is wrong with its message.
 */
function unary<Call extends object, Answer extends object>(
  options: ServiceOptions,
  { name, read, decide, write, undo, unproved, stranger, ...facts }: Method<Call, Answer>,
): (call: UnaryCall, reply: sendUnaryData<Buffer>) => void {
  const { desk, tracing, timed, failed, turnedAway } = options;
  return (call, reply) => {
    const begun = performance.now();
    const trace = tracing?.begin(name, { context: traceContextIn(call.metadata), begunMs: begun });
    const end = (status: Status) => {
      reply(status);
      trace?.end(statusName(status));
    };
    const refuse = (fault: Fault) => {
      const seen = strangerIn(fault, call);
      if (seen) turnedAway?.(seen);
      trace?.tell(faultFacts(fault));
      end(statusOf(fault));
    };
    const fail = (cause: unknown) => {
      failed(cause);
      end(INTERNAL);
    };
    const finish = (answer: Answer | Fault) => {
      if ("code" in answer) {
        refuse(answer);
      } else {
        const seen = stranger?.(answer, call);
        if (seen) turnedAway?.(seen);
        trace?.tell(facts.answered(answer));
        if (call.cancelled) undo?.(answer);
        else reply(null, write(answer));
        trace?.end(call.cancelled ? CANCELLED : OK);
      }
      timed(performance.now() - begun);
    };
    const go = (evidence: Evidence | Fault | undefined): MaybePromise<void> => {
      const origin = options.asksOrigin ? originOf("grpc", begun, traceparentIn(call.metadata)) : undefined;
      if (evidence && "kind" in evidence) {
        if (evidence.code === "unauthenticated") unproved?.(evidence, origin);
        return refuse(evidence);
      }
      const asked = read(call.request);
      if ("fault" in asked) return end(statusOf(asked.fault));
      if (isLate(call)) return end(TOO_LATE);
      trace?.tell(facts.asked(asked));
      return whenDone(decide(trace ? followedDesk(desk, trace) : desk, asked, arrivalOf(evidence, origin)), finish);
    };
    try {
      const gone = whenDone(evidenceOf(options, call), go);
      if (gone instanceof Promise) gone.catch(fail);
    } catch (cause) {
      fail(cause);
    }
  };
}

/** As traces name an RPC: by its path without the first slash. */
function nameOf({ path }: { readonly path: string }): string {
  return path.slice(1);
}

/** Whether a caller has stopped waiting, though the transport may not have noticed yet. */
function isLate(call: UnaryCall): boolean {
  return call.cancelled || Number(call.getDeadline()) < Date.now();
}
