import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { Desk } from "../../app/desk.js";
import { followedDesk } from "../../app/followed-desk.js";
import { recordUsage } from "../../app/record-usage.js";
import { readTraceContext, type TraceContext } from "../../app/trace-context.js";
import { faultFacts, operationOf, recordedFacts, reportFacts } from "../../app/trace-facts.js";
import type { CallTrace, Tracing } from "../../app/tracing.js";
import type { RecordUsageCall } from "../../app/usage-report.js";
import {
  ExternalProcessorService,
  type HttpHeaders,
  ProcessingRequest,
  ProcessingResponse,
} from "../../gen/envoy/service/ext_proc/v3/external_processor.js";
import { AnswerReader } from "../../mistral/answer-reader.js";
import { inFull, settlementOf } from "../../mistral/settlement.js";
import type { Draining } from "../draining.js";
import { arrivalOf, originOf, traceparentIn } from "../origin.js";
import { OK, statusName, statusOf } from "../status.js";
import { traceContextIn } from "../trace-headers.js";
import { ByteFields } from "./byte-fields.js";
import { type Noted, notedIn } from "./noted.js";
import { mayHaveBegun } from "./own-answer.js";

type Stream = ServerDuplexStream<Buffer, Buffer>;

export interface ProcessOptions {
  /** Its identity takes names as they are: they come from this service's own answer to Check. */
  readonly desk: Desk;
  readonly draining: Draining;
  /** Whether a log asks how calls come in. */
  readonly asksOrigin?: boolean | undefined;
  /** Follows calls; left out where nobody asked for traces. */
  readonly tracing?: Tracing | undefined;
  readonly failed: (cause: unknown) => void;
}

/** As traces name it. */
const PROCESS = ExternalProcessorService.process.path.slice(1);
const AUTHORIZATION = "envoy.filters.http.ext_authz";
/** Its number among the fields of ProcessingRequest. */
const METADATA_CONTEXT = 8;

/**
 * One HTTP call's answer on its way through Envoy: read for what it used, settled once at its end.
 *
 * A stream that breaks off before the answer's end is a client that went away, or an upstream: what was seen is charged.
 */
export class OpenAnswer {
  readonly #options: ProcessOptions;
  readonly #call: Stream;
  #noted: Noted | undefined;
  #reader: AnswerReader | undefined;
  readonly #begun = performance.now();
  /** Of the call's own headers, where Envoy shows them. */
  #context: TraceContext | undefined;
  #status = 0;
  #isOver = false;

  constructor(options: ProcessOptions, call: Stream) {
    this.#options = options;
    this.#call = call;
  }

  /** Read until the answer is over. */
  run(): void {
    const call = this.#call;
    call.on("data", (bytes: Buffer) => this.#take(bytes));
    call.on("end", () => this.#finish(false));
    call.on("cancelled", () => this.#finish(false));
    call.on("error", () => this.#finish(false));
  }

  #take(bytes: Buffer): void {
    if (this.#isOver) return;
    try {
      const message = ProcessingRequest.decode(this.#noted ? withoutMetadata(bytes) : bytes);
      const { request } = message;
      this.#noted ??= notedIn(message.metadataContext?.filterMetadata[AUTHORIZATION]);
      if (request) this.#read(request, mayHaveBegun(message.attributes));
      if (request && !message.observabilityMode && !this.#call.destroyed) this.#answer(goOn(request.$case));
    } catch (cause) {
      this.#options.failed(cause);
      this.#finish(false);
    }
  }

  /** Whoever does not read its answers is not read from either. */
  #answer(bytes: Buffer): void {
    if (this.#call.write(bytes)) return;
    this.#call.pause();
    this.#call.once("drain", () => this.#call.resume());
  }

  #read(request: NonNullable<ProcessingRequest["request"]>, isBrokenOff: boolean): void {
    switch (request.$case) {
      case "responseHeaders":
        // Envoy's own answer tells nothing of what Mistral did: as if none had come.
        if (!isBrokenOff) this.#begin(request.value);
        if (request.value.endOfStream) this.#finish(true);
        return;
      case "responseBody":
        this.#reader?.write(Buffer.from(request.value.body));
        if (request.value.endOfStream) this.#finish(true);
        return;
      case "responseTrailers":
        this.#finish(true);
        return;
      case "requestHeaders":
        if (this.#options.tracing) this.#context = contextIn(request.value);
        return;
      case "requestBody":
      case "requestTrailers":
        return;
    }
  }

  #begin({ headers }: HttpHeaders): void {
    const header = (name: string) => headerIn(headers, name);
    this.#status = Number(header(":status"));
    if (!this.#noted) return;
    this.#reader = new AnswerReader({
      endpoint: this.#noted.endpoint,
      status: this.#status,
      contentType: header("content-type"),
      contentEncoding: header("content-encoding"),
    });
  }

  #finish(isWhole: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { draining, failed } = this.#options;
    // Cut off by this service's own end: its reservation ends by `unsettled`.
    const isOurs = !isWhole && draining.signal.aborted;
    const done = this.#noted && !isOurs ? this.#settle(this.#noted, isWhole) : Promise.resolve(this.#reader?.close());
    done.catch(failed).finally(() => this.#call.end());
  }

  /** Only what settles something is followed: from the answer's first message on. */
  #follow(): CallTrace | undefined {
    const { tracing } = this.#options;
    // Envoy's own place in the trace, where it follows calls too, is below its client's.
    const context = tracing && (traceContextIn(this.#call.metadata) ?? this.#context);
    return tracing?.begin(PROCESS, { context, begunMs: this.#begun });
  }

  async #settle(noted: Noted, isWhole: boolean): Promise<void> {
    const { asksOrigin } = this.#options;
    const begun = performance.now();
    const answer = await this.#reader?.end(isWhole);
    const settlement = settlementOf(noted, this.#status, answer);
    const { usage, outcome } = noted.isDegraded ? inFull(noted, settlement) : settlement;
    const call: RecordUsageCall = {
      reservationId: noted.reservationId,
      requestId: "",
      principal: { id: noted.principal, role: noted.role, workspace: noted.workspace, isProved: true },
      model: noted.model,
      endpoint: noted.endpoint,
      usage,
      outcome,
      labels: {},
      includeLimits: false,
    };
    const origin = asksOrigin ? originOf("envoy", begun, traceparentIn(this.#call.metadata)) : undefined;
    const trace = this.#follow();
    trace?.tell({ ...reportFacts(call), ...operationOf(noted.endpoint) });
    const { desk } = this.#options;
    const recorded = await recordUsage(trace ? followedDesk(desk, trace) : desk, call, arrivalOf(undefined, origin));
    trace?.tell(recorded.kind === "fault" ? faultFacts(recorded) : recordedFacts(recorded));
    trace?.end(recorded.kind === "fault" ? statusName(statusOf(recorded)) : OK);
    // While the store is away the report is kept, and sent again.
    if (recorded.kind === "fault" && recorded.code !== "unavailable") {
      this.#options.failed(
        new Error(`usage of reservation ${noted.reservationId} could not be settled: ${recorded.message}`),
      );
    }
  }
}

function headerIn(headers: HttpHeaders["headers"], name: string): string {
  const found = headers?.headers.find(({ key }) => key === name);
  return found ? found.value || Buffer.from(found.rawValue).toString("latin1") : "";
}

function contextIn({ headers }: HttpHeaders): TraceContext | undefined {
  return readTraceContext(headerIn(headers, "traceparent"), headerIn(headers, "tracestate"));
}

/** To each kind of message the answer of its kind, with nothing in it. */
function goOn(kind: NonNullable<ProcessingRequest["request"]>["$case"]): Buffer {
  return Buffer.from(ProcessingResponse.encode({ response: { $case: kind, value: {} } }).finish());
}

/** Every message brings what was noted, and decoding that takes longer than all the rest of a chunk. */
function withoutMetadata(bytes: Buffer): Buffer {
  const fields = new ByteFields(bytes, 0, bytes.length);
  while (fields.next()) {
    if (fields.number === METADATA_CONTEXT) {
      return Buffer.concat([bytes.subarray(0, fields.from), bytes.subarray(fields.end)]);
    }
  }
  return bytes;
}
