import type { ServerDuplexStream, ServerUnaryCall, sendUnaryData, UntypedServiceImplementation } from "@grpc/grpc-js";
import { authorize } from "../app/authorize.js";
import { checkBudget } from "../app/check-budget.js";
import type { Fault } from "../app/fault.js";
import type { MaybePromise } from "../app/ports.js";
import { recordUsage } from "../app/record-usage.js";
import { PolicyDecisionServiceService } from "../gen/windbreak/v1/policy_decision.js";
import { abandon, type ServiceOptions } from "./abandon.js";
import { OpenStream } from "./authorize-stream.js";
import { readAuthorize, readCheckBudget, readRecordUsage, writeBudget, writeDecision, writeRecorded } from "./codec.js";
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
      (call) => authorize(desk, call),
      writeDecision,
      (answer) => {
        if (answer.kind === "allowed") abandon(options, answer.grant.reservationId);
      },
    ),
    recordUsage: unary(options, readRecordUsage, (call) => recordUsage(desk, call), writeRecorded),
    checkBudget: unary(options, readCheckBudget, (call) => checkBudget(desk, call), writeBudget),
    authorizeStream: (call: ServerDuplexStream<Buffer, Buffer>) => new OpenStream(options, call).run(),
  };
}

/**
 * Make the handler of one unary RPC: read, decide, write.
 *
 * @param undo gives back what an answer reserved, where its caller went away before it was written.
 */
function unary<Call extends object, Answer extends object>(
  { timed, failed }: ServiceOptions,
  read: (bytes: Buffer) => Call | Misread,
  decide: (call: Call) => MaybePromise<Answer | Fault>,
  write: (answer: Answer) => Buffer,
  undo?: (answer: Answer) => void,
): (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => void {
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
    try {
      const asked = read(call.request);
      if ("fault" in asked) {
        reply(statusOf(asked.fault));
      } else if (isLate(call)) {
        reply(TOO_LATE);
      } else {
        const answer = decide(asked);
        if (answer instanceof Promise) answer.then(finish).catch(fail);
        else finish(answer);
      }
    } catch (cause) {
      fail(cause);
    }
  };
}

/** Whether a caller has stopped waiting, though the transport may not have noticed yet. */
function isLate(call: ServerUnaryCall<Buffer, Buffer>): boolean {
  return call.cancelled || Number(call.getDeadline()) < Date.now();
}
