import type { ServerDuplexStream, ServerUnaryCall, sendUnaryData, UntypedServiceImplementation } from "@grpc/grpc-js";
import { authorize } from "../app/authorize.js";
import { checkBudget } from "../app/check-budget.js";
import type { Fault } from "../app/fault.js";
import type { Evidence } from "../app/identity-ports.js";
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
import { INTERNAL, statusOf, TOO_LATE } from "./status.js";

/** The service's methods with bytes in and bytes out. */
export const DECISION_SERVICE = inBytes(PolicyDecisionServiceService);

/** Make the handlers of the four RPCs. */
export function decisionHandlers(options: ServiceOptions): UntypedServiceImplementation {
  const { desk } = options;
  return {
    authorize: unary(
      options,
      readAuthorize,
      (call, evidence) => authorize(desk, evidence ? { ...call, evidence } : call),
      writeDecision,
      (answer) => {
        if (answer.kind === "allowed") abandon(options, answer.grant.reservationId);
      },
    ),
    recordUsage: unary(options, readRecordUsage, (call, evidence) => recordUsage(desk, call, evidence), writeRecorded),
    checkBudget: unary(options, readCheckBudget, (call, evidence) => checkBudget(desk, call, evidence), writeBudget),
    authorizeStream: (call: ServerDuplexStream<Buffer, Buffer>) => new OpenStream(options, call).run(),
  };
}

/**
 * Make the handler of one unary RPC: find out who calls, read, decide, write.
 *
 * Who cannot say who it is hears that, and not what is wrong with its message.
 *
 * @param undo gives back what an answer reserved, where its caller went away before it was written.
 */
function unary<Call extends object, Answer extends object>(
  options: ServiceOptions,
  read: (bytes: Buffer) => Call | Misread,
  decide: (call: Call, evidence: Evidence | undefined) => MaybePromise<Answer | Fault>,
  write: (answer: Answer) => Buffer,
  undo?: (answer: Answer) => void,
): (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => void {
  const { timed, failed } = options;
  return (call, reply) => {
    const begun = performance.now();
    const fail = (cause: unknown) => {
      failed(cause);
      reply(INTERNAL);
    };
    const finish = (answer: Answer | Fault) => {
      if ("code" in answer) reply(statusOf(answer));
      else if (call.cancelled) undo?.(answer);
      else reply(null, write(answer));
      timed(performance.now() - begun);
    };
    const go = (evidence: Evidence | Fault | undefined): MaybePromise<void> => {
      if (evidence && "kind" in evidence) return reply(statusOf(evidence));
      const asked = read(call.request);
      if ("fault" in asked) return reply(statusOf(asked.fault));
      if (isLate(call)) return reply(TOO_LATE);
      return whenDone(decide(asked, evidence), finish);
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
function isLate(call: ServerUnaryCall<Buffer, Buffer>): boolean {
  return call.cancelled || Number(call.getDeadline()) < Date.now();
}
