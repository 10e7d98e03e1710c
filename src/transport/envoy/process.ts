import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { Desk } from "../../app/desk.js";
import { recordUsage } from "../../app/record-usage.js";
import { ENDPOINTS, type Endpoint, hasOutput } from "../../domain/model.js";
import type { Outcome, Usage } from "../../domain/settlement.js";
import {
  type HttpHeaders,
  ProcessingRequest,
  ProcessingResponse,
} from "../../gen/envoy/service/ext_proc/v3/external_processor.js";
import { type Answer, AnswerReader } from "../../mistral/answer-reader.js";
import type { Draining } from "../draining.js";
import { mayHaveBegun } from "./own-answer.js";

type Stream = ServerDuplexStream<Buffer, Buffer>;

export interface ProcessOptions {
  /** Its identity takes names as they are: they come from this service's own answer to Check. */
  readonly desk: Desk;
  readonly draining: Draining;
  readonly failed: (cause: unknown) => void;
}

/** What Check noted of the call. */
interface Noted {
  readonly reservationId: string;
  readonly principal: string;
  readonly role: string;
  readonly workspace: string;
  readonly model: string;
  readonly endpoint: Endpoint;
  readonly inputTokens: number;
  readonly maxOutputTokens: number;
  readonly audioSeconds: number;
  readonly streams: boolean;
  readonly annotatedPages: boolean;
}

const AUTHORIZATION = "envoy.filters.http.ext_authz";

/** Mistral goes on for a moment after its client is gone: some dozens of tokens were seen. */
const TAIL_TOKENS = 64;

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
      const message = ProcessingRequest.decode(bytes);
      const { request } = message;
      this.#noted ??= notedIn(message.metadataContext?.filterMetadata[AUTHORIZATION]);
      if (request) this.#read(request, mayHaveBegun(message.attributes));
      if (request && !message.observabilityMode && !this.#call.destroyed) this.#call.write(goOn(request.$case));
    } catch (cause) {
      this.#options.failed(cause);
      this.#finish(false);
    }
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
      case "requestBody":
      case "requestTrailers":
        return;
    }
  }

  #begin({ headers }: HttpHeaders): void {
    const header = (name: string) => {
      const found = headers?.headers.find(({ key }) => key === name);
      return found ? found.value || Buffer.from(found.rawValue).toString("latin1") : "";
    };
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

  async #settle(noted: Noted, isWhole: boolean): Promise<void> {
    const answer = await this.#reader?.end(isWhole);
    const { usage, outcome } = settlementOf(noted, this.#status, answer);
    const recorded = await recordUsage(this.#options.desk, {
      reservationId: noted.reservationId,
      requestId: "",
      principal: { id: noted.principal, role: noted.role, workspace: noted.workspace, isProved: true },
      model: noted.model,
      endpoint: noted.endpoint,
      usage,
      outcome,
      labels: {},
      includeLimits: false,
    });
    // While the store is away the report is kept, and sent again.
    if (recorded.kind === "fault" && recorded.code !== "unavailable") {
      this.#options.failed(
        new Error(`usage of reservation ${noted.reservationId} could not be settled: ${recorded.message}`),
      );
    }
  }
}

/**
 * Say what an answer is settled by.
 *
 * Mistral charges no error. A stream that was cut is charged its input and what was seen of its output, by its bytes:
 * no token is shorter than one. What ended without telling its usage is charged by the estimate.
 */
export function settlementOf(
  noted: Pick<Noted, "endpoint" | "inputTokens" | "maxOutputTokens" | "audioSeconds" | "streams" | "annotatedPages">,
  status: number,
  answer: Answer | undefined,
): { readonly usage: Usage | undefined; readonly outcome: Outcome } {
  const { annotatedPages } = noted;
  if (answer?.usage)
    return { usage: { ...answer.usage, annotatedPages }, outcome: answer.isWhole ? "succeeded" : "cancelled" };
  if (status >= 300) return { usage: undefined, outcome: "failed" };
  if (answer?.isWhole) return { usage: undefined, outcome: "succeeded" };
  if (!(answer?.isStream ?? noted.streams) || !hasOutput(noted.endpoint))
    return { usage: undefined, outcome: "cancelled" };
  const seen = (answer?.outputBytes ?? 0) + TAIL_TOKENS;
  return {
    usage: {
      inputTokens: noted.inputTokens,
      cachedInputTokens: 0,
      outputTokens: Math.min(noted.maxOutputTokens, seen),
      pages: 0,
      audioSeconds: noted.audioSeconds,
      annotatedPages,
    },
    outcome: "cancelled",
  };
}

function notedIn(metadata: Readonly<Record<string, unknown>> | undefined): Noted | undefined {
  const text = (name: string) => {
    const value = metadata?.[`windbreak_${name}`];
    return typeof value === "string" ? value : "";
  };
  const endpoint = ENDPOINTS.find((one) => one === text("endpoint"));
  const reservationId = text("reservation_id");
  if (reservationId === "" || !endpoint) return undefined;
  return {
    reservationId,
    principal: text("principal"),
    role: text("role"),
    workspace: text("workspace"),
    model: text("model"),
    endpoint,
    inputTokens: Number(text("input_tokens")),
    maxOutputTokens: Number(text("max_output_tokens")),
    audioSeconds: Number(text("audio_seconds")),
    streams: text("stream") === "true",
    annotatedPages: text("annotated_pages") === "true",
  };
}

/** To each kind of message the answer of its kind, with nothing in it. */
function goOn(kind: NonNullable<ProcessingRequest["request"]>["$case"]): Buffer {
  return Buffer.from(ProcessingResponse.encode({ response: { $case: kind, value: {} } }).finish());
}
