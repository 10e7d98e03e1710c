import { hasOutput } from "../domain/model.js";
import type { MistralCall } from "../mistral/mistral-call.js";
import { readCall } from "../mistral/read-call.js";
import type { CallRoute } from "../mistral/route.js";
import type { Denial } from "./denial.js";
import type { Amounts, GuardOptions } from "./options.js";

/** A call, and what it may use at the most. */
export interface ReadRequest {
  readonly kind: "read";
  readonly call: MistralCall;
  readonly amounts: Amounts;
}

export interface Refused {
  readonly kind: "refused";
  readonly denial: Denial;
}

/** Read what a request to Mistral asks for, and bound what it may use. */
export async function readRequest(
  { estimate, unpriced = [] }: Pick<GuardOptions, "estimate" | "unpriced">,
  route: CallRoute,
  { headers }: Request,
  body: Buffer,
): Promise<ReadRequest | Refused> {
  const call = await readCall(route, {
    body,
    contentType: headers.get("content-type") ?? undefined,
    contentEncoding: headers.get("content-encoding") ?? undefined,
    isPartial: false,
    contentLength: undefined,
  });
  if (call.kind === "unreadable") {
    return refused({ reason: "unreadable", message: call.message, httpStatus: call.status });
  }
  if (call.kind === "unknown_model") {
    return refused({ reason: "model_unknown", message: call.message, httpStatus: 403 });
  }
  const need = [...call.needs].find((one) => !unpriced.includes(one));
  if (need !== undefined) {
    const message = `${WHY_UNPRICED[need]}; leave it out, or list ${need} under unpriced`;
    return refused({ reason: "endpoint_not_allowed", message, httpStatus: 403 });
  }

  const { model, streams } = call;
  const { inputTokens, maxOutputTokens, pages, audioSeconds } = call.request;
  const read: Amounts = { inputTokens, maxOutputTokens, pages, audioSeconds };
  const isBounded = !call.fillsContext && !call.audioFillsContext;
  const said = estimate?.({ ...read, endpoint: route.endpoint, model, streams, isBounded, body });
  const isUnbounded =
    (call.fillsContext && said?.inputTokens === undefined) ||
    (call.audioFillsContext && said?.audioSeconds === undefined);
  if (isUnbounded) return refused({ reason: "request_too_large", message: UNBOUNDED, httpStatus: 422 });
  const amounts = whole(read, said);
  return { kind: "read", call, amounts: hasOutput(route.endpoint) ? amounts : { ...amounts, maxOutputTokens: 0 } };
}

const UNBOUNDED =
  "nothing in this call bounds what Mistral reads for it (an agent, a document, sound, a built-in tool); say by estimate what it may come to";

const WHY_UNPRICED = {
  priority_tier: "service_tier may make the call cost more than its price",
  built_in_tools: "built-in tools cost what no request tells",
};

function refused(denial: Denial): Refused {
  return { kind: "refused", denial };
}

/** An estimate by division has fractions, and what is counted has none. */
function whole(read: Amounts, said: Partial<Amounts> = {}): Amounts {
  return {
    inputTokens: Math.ceil(said.inputTokens ?? read.inputTokens),
    maxOutputTokens: Math.ceil(said.maxOutputTokens ?? read.maxOutputTokens),
    pages: Math.ceil(said.pages ?? read.pages),
    audioSeconds: Math.ceil(said.audioSeconds ?? read.audioSeconds),
  };
}
