import type { Denied } from "../../../../src/app/decision.js";
import type { Decided, Settled } from "../../../../src/app/decision-log.js";
import type { Entry } from "../../../../src/telemetry/decisions/entry.js";

const CALLER = { principal: "ann", role: "developer", workspace: "dev" };
const NONE = { pages: 0, audioSeconds: 0, annotatedPages: false };

/** An admission of ann's, by the id of its reservation. */
export function allowed(reservationId = "res-1", words: Partial<Decided> = {}): Decided {
  const grant = {
    requestId: "req-1",
    reservationId,
    expiresAt: 900_000,
    model: "small-1",
    outputTokens: 20,
    cost: 300,
    policyRevision: "r1",
    shadowDenials: [],
  };
  return {
    reason: "allowed",
    workspace: "dev",
    model: "small-1",
    dryRun: false,
    degraded: false,
    question: {
      requestId: "req-1",
      model: "small",
      endpoint: undefined,
      request: { inputTokens: 10, maxOutputTokens: 20, ...NONE },
      labels: {},
    },
    caller: CALLER,
    endpoint: "chat_completions",
    worst: { inputTokens: 10, outputTokens: 20, cost: 300 },
    limits: [],
    answer: { kind: "allowed", workspace: "dev", grant, limits: [], degraded: false },
    origin: undefined,
    ...words,
  };
}

/** A denial of ann's, by a rule. */
export function denied(words: Partial<Decided> = {}): Decided {
  const answer: Denied = {
    kind: "denied",
    workspace: "dev",
    requestId: "req-2",
    reason: "model_not_allowed",
    message: "no",
    model: "small-1",
    limits: [],
    refusing: 0,
    retryAfterMs: undefined,
    httpStatus: 403,
    policyRevision: "r1",
    shadowDenials: [],
  };
  return { ...allowed(), reason: "model_not_allowed", worst: undefined, answer, ...words };
}

/** What ann's call used. */
export function settled(reservationId: string, words: Partial<Settled> = {}): Settled {
  return {
    workspace: "dev",
    model: "small-1",
    amounts: { inputTokens: 10, outputTokens: 5, cost: 200 },
    unreserved: false,
    caller: CALLER,
    call: {
      reservationId,
      requestId: "",
      principal: { id: "ann", role: "", workspace: "" },
      model: "",
      endpoint: undefined,
      usage: { inputTokens: 10, cachedInputTokens: 0, outputTokens: 5, ...NONE },
      outcome: "succeeded",
      labels: {},
      includeLimits: false,
    },
    policyRevision: "r1",
    origin: undefined,
    ...words,
  };
}

/** A decision as the queue keeps it. */
export function entryOf(facts: Decided, tookMs?: number): Entry {
  return { kind: "decision", at: 0, tookMs, facts };
}
