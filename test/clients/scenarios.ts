import { expect } from "vitest";
import { linesOf, type Program } from "../support/clients/build.js";
import { arrivalOf, stage } from "./stage.js";

/** Of "Count to three in French.": 10 tokens in at 150 nano-USD, 3 out at 600. */
export const ANSWERED = 10 * 150 + 3 * 600;
/** 4 tokens at 100 nano-USD. */
export const EMBEDDED = 4 * 100;
/** Of "Count to a million in French.": 101 tokens in by its bytes, and 2 bytes seen with 64 that may be under way. */
export const CUT = 101 * 150 + 66 * 600;

export const refused = (reason: string, status: number) => ({ reason: `REASON_${reason}`, http_status: status });
export const answered = { text: "un deux trois" };

/** Run a program by hand against the built service, and expect of every scenario what it must come to. */
export async function expectScenarios(program: Program, doors: "unix" | "tcp"): Promise<void> {
  const on = await stage(doors);
  const running = linesOf(program, on.env);
  const cancelled = await arrivalOf(on, "a million");
  await cancelled.chunk();
  expect(await cancelled.ended()).toBe("cut");
  const lines = await running;
  expect(lines.map(withoutNulls)).toEqual([
    { scenario: "complete", ...answered, cost_nano_usd: ANSWERED },
    { scenario: "stream", ...answered, cost_nano_usd: ANSWERED },
    { scenario: "embed", vectors: 1, cost_nano_usd: EMBEDDED },
    { scenario: "cancel", text: "un", cost_nano_usd: CUT },
    { scenario: "model not allowed", ...refused("MODEL_NOT_ALLOWED", 403) },
    { scenario: "too large", ...refused("REQUEST_TOO_LARGE", 422) },
    { scenario: "within the rate", ...answered, cost_nano_usd: ANSWERED },
    // A minute slides by tenths, and the first call was a moment ago.
    { scenario: "rate limited", ...refused("RATE_LIMITED", 429), retry_after_s: expect.closeTo(62, -1) },
    { scenario: "budget", ...refused("SPEND_LIMIT_EXCEEDED", 402) },
    { scenario: "store away", ...refused("STORE_UNAVAILABLE", 503) },
    { scenario: "sidecar away", no_decision: "UNAVAILABLE" },
    { scenario: "fail open", ...answered },
  ]);
  // No call that was refused reached Mistral.
  expect(on.mistral.requests).toHaveLength(6);
  expect(await on.standing()).toEqual({
    "roles.crew.tokens_per_request": "0/0",
    "roles.crew.requests_per_day": "4/0",
    "roles.crew.usd_per_day": `${2 * ANSWERED + EMBEDDED + CUT}/0`,
  });
}

/** Some of the programs write what is not there as null, some leave it out. */
export function withoutNulls(line: unknown): unknown {
  if (typeof line !== "object" || line === null) return line;
  return Object.fromEntries(Object.entries(line).filter(([, value]) => value !== null));
}
