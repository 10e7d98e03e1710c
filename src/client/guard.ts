import { randomUUID } from "node:crypto";
import { hasOutput } from "../domain/model.js";
import { AnswerReader } from "../mistral/answer-reader.js";
import type { CallRoute } from "../mistral/route.js";
import { inFull, type Reserved, type Settlement, settlementOf } from "../mistral/settlement.js";
import type { Decision } from "./answers.js";
import { writtenInto } from "./capped-body.js";
import type { Connection, Fault } from "./connection.js";
import { type Denial, denialBy, responseTo } from "./denial.js";
import { metered } from "./metered-body.js";
import { wasNeverSent } from "./never-sent.js";
import type { Caller, GuardOptions } from "./options.js";
import type { Passage } from "./passage.js";
import { type ReadRequest, readRequest } from "./read-request.js";
import type { Settler } from "./settler.js";
import { authorizeRequest, usageRequest } from "./windbreak-client.js";
import { decisionOf } from "./wire.js";

/** What calls are guarded with. */
export interface Desk {
  readonly options: GuardOptions;
  readonly connection: Connection;
  readonly settler: Settler;
  readonly passage: (method: string, path: string) => Passage;
}

export type Send = (request: Request) => Promise<Response>;

/** A call that may go on. */
interface Admitted {
  readonly route: CallRoute;
  readonly read: ReadRequest;
  readonly caller: Caller;
  readonly requestId: string;
  /** Undefined where no decision could be had, and the call goes on all the same. */
  readonly decision: Decision | undefined;
}

/** What a service takes for a cap that nobody named, by its policy's default. */
const DEFAULT_OUTPUT_TOKENS = 4096;

/**
 * Decide one HTTP request to Mistral, send it where it may go on, and settle what it used.
 *
 * One attempt, one reservation: a client that tries again is decided again. Resolves with Mistral's answer, or with a
 * refusal in Mistral's form; rejects as `send` does.
 */
export async function guard(desk: Desk, request: Request, send: Send): Promise<Response> {
  const passage = desk.passage(request.method, new URL(request.url).pathname);
  if (passage.kind === "passes") return send(request);
  if (passage.kind === "refused") {
    return refuse(desk, { reason: "endpoint_not_allowed", message: passage.message, httpStatus: 403 });
  }
  const { route } = passage;
  const body = Buffer.from(await request.arrayBuffer());
  const read = await readRequest(desk.options, route, request, body);
  if (read.kind === "refused") return refuse(desk, read.denial);

  const admitted = await admit(desk, { route, read, signal: request.signal });
  if (admitted instanceof Response) return admitted;
  const { decision } = admitted;
  const capped = bodyFor(desk, admitted, body);
  if (capped === undefined || request.signal.aborted) {
    settle(desk, admitted, { usage: undefined, outcome: "failed" });
    request.signal.throwIfAborted();
    return refuse(desk, { reason: "request_too_large", message: NO_ROOM, httpStatus: 422 });
  }
  try {
    desk.options.onDecision?.(decision ? { kind: "allowed", decision } : { kind: "failed_open", message: AWAY });
  } catch (cause) {
    settle(desk, admitted, { usage: undefined, outcome: "failed" });
    throw cause;
  }
  return call(desk, admitted, () => send(new Request(request, { body: capped })));
}

const AWAY = "Windbreak could not be asked, and onUnavailable is allow";
const NO_ROOM =
  "there is no room left for a token of output in each of the answers that this call asks for; ask for fewer";

function refuse({ options }: Desk, denial: Denial): Response {
  options.onDecision?.({ kind: "denied", denial });
  return responseTo(denial);
}

interface Asking {
  readonly route: CallRoute;
  readonly read: ReadRequest;
  readonly signal: AbortSignal;
}

async function admit(desk: Desk, { route, read, signal }: Asking): Promise<Admitted | Response> {
  const { options, connection } = desk;
  const { call, amounts } = read;
  const caller = callerBy(options);
  const requestId = randomUUID();
  const { endpoint } = route;
  const { annotatedPages } = call.request;
  const question = { ...caller, ...amounts, requestId, endpoint, model: call.model, annotatedPages };
  const asked = await connection.authorize(authorizeRequest(question), signal);
  const admitted = { route, read, caller, requestId };
  if (asked.kind === "answer") {
    const decision = decisionOf(asked.message);
    return decision.allowed ? { ...admitted, decision } : refuse(desk, denialBy(decision, amounts.inputTokens));
  }
  signal.throwIfAborted();
  if (asked.isAway && options.onUnavailable === "allow") return { ...admitted, decision: undefined };
  return refuse(desk, denialFor(asked));
}

function callerBy({ principal, role, workspace, labels, perCall }: GuardOptions): Caller {
  return { principal, role, workspace, labels, ...perCall?.() };
}

function denialFor({ code, message, isRefused }: Fault): Denial {
  if (!isRefused) {
    const why = `Windbreak gave no decision (${code}: ${message})`;
    return { reason: "unavailable", message: `${why}; see that it runs where address says`, httpStatus: 503 };
  }
  const httpStatus = code === "UNAUTHENTICATED" ? 401 : code === "PERMISSION_DENIED" ? 403 : 400;
  return { reason: "rejected", message: `Windbreak would not judge the call (${code}: ${message})`, httpStatus };
}

/** The body with the cap that the decision names; undefined where the cap has no token for each answer. */
function bodyFor({ options }: Desk, { route, read, decision }: Admitted, body: Buffer): Buffer | undefined {
  if (!decision || route.form === "transcription") return body;
  const model = (options.sendDatedModel ?? true) && decision.model !== read.call.model ? decision.model : undefined;
  const isCapped = read.call.request.maxOutputTokens > 0 || !hasOutput(route.endpoint);
  if (isCapped) return writtenInto(route.form, body, { maxTokens: undefined, model });
  const maxTokens = Math.floor(decision.maxOutputTokens / read.call.choices);
  return maxTokens < 1 ? undefined : writtenInto(route.form, body, { maxTokens, model });
}

async function call(desk: Desk, admitted: Admitted, send: () => Promise<Response>): Promise<Response> {
  const reserved = reservedFor(admitted);
  let response: Response;
  try {
    response = await send();
  } catch (cause) {
    const isFree = wasNeverSent(cause);
    settle(desk, admitted, isFree ? { usage: undefined, outcome: "failed" } : settlementOf(reserved, 0, undefined));
    throw cause;
  }
  const { status, headers } = response;
  if (status >= 300) {
    // Nobody reads the bodies of attempts that are made again.
    settle(desk, admitted, settlementOf(reserved, status, undefined));
    return response;
  }
  const contentType = headers.get("content-type") ?? undefined;
  // What comes of a fetch is decoded already, whatever its headers say.
  const reader = new AnswerReader({ endpoint: reserved.endpoint, status, contentType, contentEncoding: undefined });
  return metered(response, reader, (answer) => settle(desk, admitted, settlementOf(reserved, status, answer)));
}

function reservedFor({ route, read, decision }: Admitted): Reserved {
  const { call: asked, amounts } = read;
  const uncapped = hasOutput(route.endpoint) ? amounts.maxOutputTokens || DEFAULT_OUTPUT_TOKENS : 0;
  return {
    ...amounts,
    endpoint: route.endpoint,
    maxOutputTokens: decision?.maxOutputTokens ?? uncapped,
    streams: asked.streams,
    annotatedPages: asked.request.annotatedPages,
  };
}

/** A call that was admitted without the store, or without Windbreak, has no reservation whose estimate could be charged. */
function settle({ settler }: Desk, admitted: Admitted, settlement: Settlement): void {
  const { route, read, caller, requestId, decision } = admitted;
  const isKnown = decision !== undefined && !decision.degraded;
  settler.settle(
    usageRequest({
      ...caller,
      ...(isKnown ? settlement : inFull(reservedFor(admitted), settlement)),
      requestId,
      reservationId: decision?.reservationId,
      endpoint: route.endpoint,
      model: decision?.model ?? read.call.model,
    }),
  );
}
