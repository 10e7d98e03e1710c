import type { ServerDuplexStream, ServerUnaryCall, sendUnaryData, UntypedServiceImplementation } from "@grpc/grpc-js";
import { authorize } from "../app/authorize.js";
import { checkBudget } from "../app/check-budget.js";
import type { Arrival, Origin } from "../app/decision-log.js";
import type { Fault } from "../app/fault.js";
import type { Evidence } from "../app/identity-ports.js";
import { logUnauthenticated } from "../app/log-decision.js";
import type { MaybePromise } from "../app/ports.js";
import { recordUsage } from "../app/record-usage.js";
import { whenDone } from "../app/when-done.js";
import { PolicyDecisionServiceService } from "../gen/windbreak/v1/policy_decision.js";
import { abandon, type ServiceOptions } from "./abandon.js";
import { OpenStream } from "./authorize-stream.js";
import { readAuthorize, readCheckBudget, readRecordUsage, writeBudget, writeDecision, writeRecorded } from "./codec.js";
import { evidenceOf } from "./evidence.js";
import { inBytes } from "./in-bytes.js";
import type { Misread } from "./misread.js";
import { arrivalOf, originOf, traceparentIn } from "./origin.js";
import { INTERNAL, statusOf, TOO_LATE } from "./status.js";
import { type Stranger, strangerIn, unknownIn } from "./stranger.js";

/** The service's methods with bytes in and bytes out. */
export const DECISION_SERVICE = inBytes(PolicyDecisionServiceService);

/** Make the handlers of the four RPCs. */
export function decisionHandlers(options: ServiceOptions): UntypedServiceImplementation {
  const { desk } = options;
  return {
    authorize: unary(options, {
      read: readAuthorize,
      decide: (call, arrival) => authorize(desk, call, arrival),
      write: writeDecision,
      undo: (answer) => {
        if (answer.kind === "allowed") abandon(options, answer.grant.reservationId);
      },
      unproved: (fault, origin) => logUnauthenticated(desk, fault, origin),
      stranger: unknownIn,
    }),
    recordUsage: unary(options, {
      read: readRecordUsage,
      decide: (call, arrival) => recordUsage(desk, call, arrival),
      write: writeRecorded,
    }),
    checkBudget: unary(options, {
      read: readCheckBudget,
      decide: (call, arrival) => checkBudget(desk, call, arrival?.evidence),
      write: writeBudget,
    }),
    authorizeStream: (call: ServerDuplexStream<Buffer, Buffer>) => new OpenStream(options, call).run(),
  };
}

type UnaryCall = ServerUnaryCall<Buffer, Buffer>;

interface Method<Call, Answer> {
  readonly read: (bytes: Buffer) => Call | Misread;
  readonly decide: (call: Call, arrival: Arrival | undefined) => MaybePromise<Answer | Fault>;
  readonly write: (answer: Answer) => Buffer;
  /** Gives back what an answer reserved, where its caller went away before it was written. */
  readonly undo?: (answer: Answer) => void;
  /** Told that its caller did not prove who it is, before its message was read. */
  readonly unproved?: (fault: Fault, origin: Origin | undefined) => void;
  /** Sees in an answer, which is no fault, that it is for who calls. */
  readonly stranger?: (answer: Answer, call: UnaryCall) => Stranger | undefined;
}

/**
 * Make the handler of one unary RPC: find out who calls, read, decide, write.
 *
 * Who cannot say who it is hears that, and not what is wrong with its message.
 */
function unary<Call extends object, Answer extends object>(
  options: ServiceOptions,
  { read, decide, write, undo, unproved, stranger }: Method<Call, Answer>,
): (call: UnaryCall, reply: sendUnaryData<Buffer>) => void {
  const { timed, failed, turnedAway } = options;
  return (call, reply) => {
    const begun = performance.now();
    const refuse = (fault: Fault) => {
      const seen = strangerIn(fault, call);
      if (seen) turnedAway?.(seen);
      reply(statusOf(fault));
    };
    const fail = (cause: unknown) => {
      failed(cause);
      reply(INTERNAL);
    };
    const finish = (answer: Answer | Fault) => {
      if ("code" in answer) {
        refuse(answer);
      } else {
        const seen = stranger?.(answer, call);
        if (seen) turnedAway?.(seen);
        if (call.cancelled) undo?.(answer);
        else reply(null, write(answer));
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
      if ("fault" in asked) return reply(statusOf(asked.fault));
      if (isLate(call)) return reply(TOO_LATE);
      return whenDone(decide(asked, arrivalOf(evidence, origin)), finish);
    };
    try {
      const gone = whenDone(evidenceOf(options, call), go);
      if (gone instanceof Promise) gone.catch(fail);
    } catch (cause) {
      fail(cause);
    }
  };
}

/** Whether a caller has stopped waiting, though the transport may not have noticed yet. */
function isLate(call: UnaryCall): boolean {
  return call.cancelled || Number(call.getDeadline()) < Date.now();
}
