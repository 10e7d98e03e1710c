import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { directory } from "../policy-files.js";

/** When the first line of a log is, unless it says otherwise. */
export const START = Date.UTC(2026, 10, 22, 9);

type Fields = Readonly<Record<string, unknown>>;

/** The time so many seconds after the start of a log. */
export const timeAt = (seconds: number) => new Date(START + seconds * 1000).toISOString();

/** A line of a decision that allowed a call of 1,000 tokens. Its ids are made of `id`. */
export function allowed(id: string, seconds = 0, fields: Fields = {}): Fields {
  return {
    v: 1,
    kind: "decision",
    time: timeAt(seconds),
    allowed: true,
    reason: "allowed",
    http_status: 200,
    request_id: `q-${id}`,
    reservation_id: `r-${id}`,
    expires_at: timeAt(seconds + 900),
    principal: "ada",
    role: "developer",
    workspace: "dev",
    model: "mistral-small-2603",
    endpoint: "chat_completions",
    asked: { model: "mistral-small-latest", input_tokens: 600, max_output_tokens: 400 },
    input_tokens: 600,
    max_output_tokens: 400,
    cost_nano_usd: 330_000,
    policy_revision: "old",
    ...fields,
  };
}

/** A line of a decision that a limit on requests denied. */
export function denied(id: string, seconds = 0, fields: Fields = {}): Fields {
  const { reservation_id: _, expires_at: __, ...rest } = allowed(id, seconds);
  const limits = [{ name: "workspaces.dev.requests_per_minute", charge: 1, used: 1, ceiling: 1, refuses: true }];
  return { ...rest, allowed: false, reason: "rate_limited", http_status: 429, message: "no", limits, ...fields };
}

/** A line of usage: 600 tokens in, 100 out, at the price of the catalogue. */
export function settled(id: string, seconds = 1, fields: Fields = {}): Fields {
  return {
    v: 1,
    kind: "settlement",
    time: timeAt(seconds),
    reservation_id: `r-${id}`,
    principal: "ada",
    role: "developer",
    workspace: "dev",
    model: "mistral-small-2603",
    outcome: "succeeded",
    usage: { input_tokens: 600, output_tokens: 100 },
    input_tokens: 600,
    output_tokens: 100,
    cost_nano_usd: 150_000,
    policy_revision: "old",
    ...fields,
  };
}

/** Write a log as text. */
export function logText(lines: readonly (Fields | string)[]): string {
  return lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join("");
}

/** Write a log that goes with the test. @returns its path. */
export function logFile(lines: readonly (Fields | string)[]): string {
  return logOf(logText(lines));
}

/** The same, of what a file holds. */
export function logOf(bytes: string | Uint8Array): string {
  const path = join(directory(), "decisions.log");
  writeFileSync(path, bytes);
  return path;
}
