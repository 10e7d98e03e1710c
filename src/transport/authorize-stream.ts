import type { ServerDuplexStream } from "@grpc/grpc-js";
import { authorize } from "../app/authorize.js";
import type { Decision } from "../app/decision.js";
import type { Origin } from "../app/decision-log.js";
import type { Fault } from "../app/fault.js";
import { followedDesk } from "../app/followed-desk.js";
import { faultInEvidence } from "../app/identify.js";
import type { Evidence } from "../app/identity-ports.js";
import { logUnauthenticated } from "../app/log-decision.js";
import type { TraceContext } from "../app/trace-context.js";
import { decisionFacts, faultFacts, questionFacts } from "../app/trace-facts.js";
import type { CallTrace } from "../app/tracing.js";
import { whenDone } from "../app/when-done.js";
import type { Millis } from "../domain/units.js";
import { PolicyDecisionServiceService } from "../gen/windbreak/v1/policy_decision.js";
import { abandon, type ServiceOptions } from "./abandon.js";
import { readQuestion, writeDecisionInStream, writeErrorInStream } from "./codec.js";
import { evidenceOf } from "./evidence.js";
import { arrivalOf, originOf, traceparentIn } from "./origin.js";
import { CANCELLED, INTERNAL, OK, type Status, statusName, statusOf } from "./status.js";
import { strangerIn, unknownIn } from "./stranger.js";
import { traceContextIn } from "./trace-headers.js";

type Stream = ServerDuplexStream<Buffer, Buffer>;

/** One question that is being answered. */
interface Open {
  readonly requestId: string;
  readonly begun: Millis;
  /** undefined: it is not followed. */
  readonly trace: CallTrace | undefined;
}

/** As traces name it. */
const NAME = PolicyDecisionServiceService.authorizeStream.path.slice(1);

/** Questions of one stream that may wait for the store at once. More are not read until some are answered. */
const MOST_WAITING = 256;

/** Answers of one stream that may wait for its client to read them: about 64 KiB. */
const MOST_UNREAD = 512;

/**
 * One open stream: an answer for each question, in any order, until the client ends it or the server drains.
 *
 * A client that does not read its answers is not read from either, so what it can make the server hold is bounded.
 */
export class OpenStream {
  readonly #options: ServiceOptions;
  readonly #call: Stream;
  #waiting = 0;
  #isFull = false;
  #isEnding = false;
  #isOver = false;
  #evidence: Evidence | undefined;
  /** Of the stream: its questions have none of their own. */
  #traceparent: string | undefined;
  #context: TraceContext | undefined;

  constructor(options: ServiceOptions, call: Stream) {
    this.#options = options;
    this.#call = call;
  }

  /** Find out who calls, once, and answer until the stream is over. */
  run(): void {
    try {
      const begun = whenDone(evidenceOf(this.#options, this.#call), (evidence) => this.#begin(evidence));
      if (begun instanceof Promise) begun.catch((cause: unknown) => this.#failUnexpectedly(cause));
    } catch (cause) {
      this.#failUnexpectedly(cause);
    }
  }

  #begin(evidence: Evidence | Fault | undefined): void {
    const call = this.#call;
    const { desk } = this.#options;
    if (call.cancelled || call.destroyed) return;
    if (this.#options.asksOrigin) this.#traceparent = traceparentIn(call.metadata);
    if (this.#options.tracing) this.#context = traceContextIn(call.metadata);
    const isFault = evidence !== undefined && "kind" in evidence;
    const fault = isFault ? evidence : evidence && faultInEvidence(desk.identity, desk.snapshot(), evidence);
    if (fault) {
      if (fault.code === "unauthenticated") logUnauthenticated(desk, fault, this.#origin(performance.now()));
      this.#turnAway(fault);
      return;
    }
    if (!isFault) this.#evidence = evidence;
    const { signal } = this.#options.draining;
    const end = () => this.#end();
    writeTogether(call);
    call.on("data", (bytes: Buffer) => this.#take(bytes));
    call.on("drain", () => {
      this.#isFull = false;
      this.#flow();
    });
    call.on("end", end);
    call.once("close", () => signal.removeEventListener("abort", end));
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  }

  #take(bytes: Buffer): void {
    if (this.#isEnding || this.#isOver) return;
    const begun = performance.now();
    const asked = readQuestion(bytes);
    if ("fault" in asked) {
      if (asked.isMessage) this.#refuse(asked.requestId, statusOf(asked.fault));
      else this.#fail(statusOf(asked.fault));
      return;
    }
    const { desk, tracing } = this.#options;
    const trace = tracing?.begin(NAME, { context: this.#context, isOfStream: true, begunMs: begun });
    trace?.tell(questionFacts(asked));
    const open: Open = { requestId: asked.requestId, begun, trace };
    try {
      const at = trace ? followedDesk(desk, trace) : desk;
      const answer = authorize(at, asked, arrivalOf(this.#evidence, this.#origin(begun)));
      if (answer instanceof Promise) this.#await(answer, open);
      else this.#answer(answer, open);
    } catch (cause) {
      this.#break(cause, open);
    }
  }

  #origin(begunMs: Millis): Origin | undefined {
    return this.#options.asksOrigin ? originOf("stream", begunMs, this.#traceparent) : undefined;
  }

  #await(answer: Promise<Decision | Fault>, open: Open): void {
    this.#waiting++;
    this.#flow();
    answer
      .then((decision) => this.#answer(decision, open))
      .catch((cause: unknown) => this.#break(cause, open))
      .finally(() => {
        this.#waiting--;
        this.#flow();
      });
  }

  #answer(answer: Decision | Fault, { requestId, begun, trace }: Open): void {
    const stranger = answer.kind === "fault" ? strangerIn(answer, this.#call) : unknownIn(answer, this.#call);
    if (stranger) this.#options.turnedAway?.(stranger);
    if (answer.kind === "fault") {
      const status = statusOf(answer);
      this.#refuse(requestId, status);
      trace?.tell(faultFacts(answer));
      trace?.end(statusName(status));
      return;
    }
    const wasWritten = this.#write(writeDecisionInStream(answer));
    if (!wasWritten && answer.kind === "allowed") abandon(this.#options, answer.grant.reservationId);
    trace?.tell(decisionFacts(answer));
    trace?.end(wasWritten ? OK : CANCELLED);
    this.#options.timed(performance.now() - begun);
  }

  #break(cause: unknown, { requestId, trace }: Open): void {
    this.#options.failed(cause);
    this.#refuse(requestId, INTERNAL);
    trace?.end(statusName(INTERNAL));
  }

  #refuse(requestId: string, { code, details }: Status): void {
    this.#write(writeErrorInStream(requestId, code, details));
  }

  /** @returns whether the answer was handed to the transport. */
  #write(bytes: Buffer): boolean {
    if (this.#isOver || this.#call.cancelled) return false;
    this.#call.write(bytes);
    if (this.#call.writableLength >= MOST_UNREAD) {
      this.#isFull = true;
      this.#flow();
    }
    return true;
  }

  /** Read on or stop reading, as there is room; end when all is answered. */
  #flow(): void {
    if (this.#isOver) return;
    if (this.#isEnding && this.#waiting === 0) {
      this.#isOver = true;
      this.#call.end();
    } else if (this.#isFull || this.#waiting >= MOST_WAITING) {
      this.#call.pause();
    } else if (this.#call.isPaused()) {
      this.#call.resume();
    }
  }

  #end(): void {
    this.#isEnding = true;
    this.#flow();
  }

  #failUnexpectedly(cause: unknown): void {
    this.#options.failed(cause);
    this.#fail(INTERNAL);
  }

  #turnAway(fault: Fault): void {
    const stranger = strangerIn(fault, this.#call);
    if (stranger) this.#options.turnedAway?.(stranger);
    this.#fail(statusOf(fault));
  }

  #fail(status: Status): void {
    this.#isOver = true;
    this.#call.emit("error", status);
  }
}

/**
 * Hand all answers that wait to the transport at once.
 *
 * A stream of grpc-js takes the next message only when the one before is written out, which under load is a system call
 * for each answer. Node's streams hand over all that waits where `_writev` is there.
 */
function writeTogether(call: Stream): void {
  call._writev = (waiting, done) => {
    const last = waiting.length - 1;
    for (const [index, { chunk, encoding }] of waiting.entries()) {
      call._write(chunk, encoding, index === last ? done : () => {});
    }
  };
}
