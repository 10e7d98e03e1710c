import type {
  ServerDuplexStream,
  ServerUnaryCall,
  ServiceDefinition,
  sendUnaryData,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { followedDesk } from "../../app/followed-desk.js";
import type { MaybePromise } from "../../app/ports.js";
import { readTraceContext, type TraceContext } from "../../app/trace-context.js";
import type { CallTrace } from "../../app/tracing.js";
import type { Millis } from "../../domain/units.js";
import { AuthorizationService } from "../../gen/envoy/service/auth/v3/external_auth.js";
import { ExternalProcessorService } from "../../gen/envoy/service/ext_proc/v3/external_processor.js";
import { abandon, type ServiceOptions } from "../abandon.js";
import { inBytes } from "../in-bytes.js";
import { originOf } from "../origin.js";
import { CANCELLED, INTERNAL, OK, statusName } from "../status.js";
import { peerAddress } from "../stranger.js";
import { traceContextIn } from "../trace-headers.js";
import { type GuardOptions, guard } from "./check.js";
import { BROKEN, type CheckAnswer, rejectedFor } from "./check-answer.js";
import { checkFacts } from "./check-facts.js";
import { type HttpCall, readHttpCall } from "./http-call.js";
import { LongBodies } from "./long-bodies.js";
import { OpenAnswer } from "./process.js";
import { writeCheckAnswer } from "./write-check-answer.js";

/** The largest message of Envoy's: a call's body, and what stands around it. */
export const MAX_ENVOY_BYTES = 16 * 1024 * 1024;

/** What is served to Envoy, with bytes in and bytes out. */
export const ENVOY_SERVICES: readonly ServiceDefinition<UntypedServiceImplementation>[] = [
  inBytes(AuthorizationService),
  inBytes(ExternalProcessorService),
];

/** As traces name it. */
const CHECK = AuthorizationService.check.path.slice(1);

type CheckCall = ServerUnaryCall<Buffer, Buffer>;

export interface EnvoyOptions extends ServiceOptions {
  readonly identity: GuardOptions["identity"];
  readonly upstreamKey: GuardOptions["upstreamKey"];
}

/** Make the handlers of both services. */
export function envoyHandlers(options: EnvoyOptions): UntypedServiceImplementation {
  const guarding: GuardOptions = {
    ...options,
    abandon: (reservationId) => abandon(options, reservationId, "not_sent"),
    bodies: new LongBodies(),
  };
  return {
    check: (call: CheckCall, reply: sendUnaryData<Buffer>) => check(options, guarding, call, reply),
    process: (call: ServerDuplexStream<Buffer, Buffer>) => new OpenAnswer(options, call).run(),
  };
}

/** Every outcome is an answer: a gRPC error is let through where Envoy was told to let failures through. */
function check(options: EnvoyOptions, guarding: GuardOptions, call: CheckCall, reply: sendUnaryData<Buffer>): void {
  const begun = performance.now();
  const now = options.desk.clock.now();
  let trace: CallTrace | undefined;
  const finish = (answer: CheckAnswer) => {
    if (answer.kind === "rejected" && answer.why !== undefined) {
      const { why, message, reason } = answer;
      const told = reason === "unauthenticated" ? message : undefined;
      options.turnedAway?.({ why, told, peer: peerAddress(call) });
    }
    trace?.tell(checkFacts(answer));
    if (call.cancelled && answer.kind === "admitted") abandon(options, answer.decision.grant.reservationId);
    else reply(null, writeCheckAnswer(answer, now));
    trace?.end(call.cancelled ? CANCELLED : OK);
    options.timed(performance.now() - begun);
  };
  const fail = (cause: unknown) => {
    options.failed(cause);
    reply(null, writeCheckAnswer(BROKEN, now));
    trace?.end(statusName(INTERNAL));
  };
  try {
    const asked = readHttpCall(call.request);
    trace = options.tracing?.begin(CHECK, { context: contextOf(call, asked), begunMs: begun });
    const at = trace ? { ...guarding, desk: followedDesk(guarding.desk, trace) } : guarding;
    const answer = answerTo(at, asked, call, begun);
    if (answer instanceof Promise) answer.then(finish).catch(fail);
    else finish(answer);
  } catch (cause) {
    fail(cause);
  }
}

function answerTo(
  guarding: GuardOptions,
  asked: HttpCall | undefined,
  asking: CheckCall,
  begun: Millis,
): MaybePromise<CheckAnswer> {
  if (asked) {
    const origin = guarding.asksOrigin ? originOf("envoy", begun, asked.traceparent) : undefined;
    return guard(guarding, { ...asked, isGivenUp: () => asking.cancelled, origin });
  }
  return rejectedFor({ kind: "fault", code: "invalid_argument", message: "attributes.request.http: is required" });
}

/** Envoy's own place in the trace, where it follows calls too, is below its client's. */
function contextOf(asking: CheckCall, asked: HttpCall | undefined): TraceContext | undefined {
  return traceContextIn(asking.metadata) ?? readTraceContext(asked?.traceparent ?? "");
}
