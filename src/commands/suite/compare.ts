import type { Decision } from "../../app/decision.js";
import type { Fault } from "../../app/fault.js";
import type { LimitReport } from "../../app/limit-report.js";
import type { Recorded } from "../../app/record-usage.js";
import { formatDuration } from "../../domain/duration.js";
import { formatAmount, formatUsd } from "../../domain/explain.js";
import type { Expectation } from "../../policy/suite-schema.js";
import { amountIn } from "./limits-in.js";

/** A field that did not come to what was expected. */
export interface Difference {
  readonly field: string;
  readonly expected: string;
  readonly got: string;
}

const NONE = "none";

/** Hold an answer against what was expected of it. @param after every limit of the caller, as it stands afterwards. */
export function compareDecision(
  expect: Expectation,
  answer: Decision | Fault,
  after: readonly LimitReport[],
): readonly Difference[] {
  if (answer.kind === "fault") return compareFault(expect, answer);
  const isAllowed = answer.kind === "allowed";
  const { model, shadowDenials } = isAllowed ? answer.grant : answer;
  const refusing = isAllowed ? [] : answer.limits.map(({ limit }) => limit.name);
  const differences = new Differences(expect);
  const reason = isAllowed ? "ALLOWED" : answer.reason.toUpperCase();
  differences.hold("decision", isAllowed ? "allow" : "deny", (decision) =>
    decision === "deny" && !isAllowed ? `deny (${reason})` : String(decision),
  );
  differences.hold("reason", reason);
  differences.hold("limit", refusing[0] ?? NONE);
  differences.hold("limits", refusing);
  differences.hold("shadow_denials", shadowDenials);
  if (expect.message !== undefined) {
    const message = isAllowed ? NONE : answer.message;
    if (!message.includes(expect.message)) differences.add("message", `… ${expect.message} …`, message);
  }
  differences.hold("http_status", isAllowed ? 200 : answer.httpStatus);
  differences.hold("model", model === "" ? NONE : model);
  differences.hold("max_output_tokens", isAllowed ? answer.grant.outputTokens : NONE);
  differences.hold("cost_usd", isAllowed ? answer.grant.cost : NONE, usdText);
  differences.hold("retry_after", isAllowed ? NONE : (answer.retryAfterMs ?? NONE), spanText);
  differences.holdRemaining(after);
  differences.hold("fault", NONE);
  return differences.found;
}

/** Hold what was recorded against what was expected of it. */
export function compareRecorded(
  expect: Expectation,
  answer: Recorded | Fault,
  after: readonly LimitReport[],
): readonly Difference[] {
  if (answer.kind === "fault") return compareFault(expect, answer);
  const differences = new Differences(expect);
  differences.hold("cost_usd", answer.cost, usdText);
  differences.holdRemaining(after);
  differences.hold("fault", NONE);
  return differences.found;
}

function compareFault({ fault }: Expectation, { code, message }: Fault): readonly Difference[] {
  if (fault === code.toUpperCase()) return [];
  return [{ field: "fault", expected: fault ?? NONE, got: `${code.toUpperCase()}: ${message}` }];
}

type Field = Exclude<keyof Expectation, "remaining" | "message">;
type Value = string | number;

class Differences {
  readonly found: Difference[] = [];
  readonly #expect: Expectation;

  constructor(expect: Expectation) {
    this.#expect = expect;
  }

  add(field: string, expected: string, got: string): void {
    this.found.push({ field, expected, got });
  }

  hold(field: Field, got: Value | readonly string[], text: (value: Value) => string = String): void {
    const expected = this.#expect[field];
    if (expected === undefined || same(expected, got)) return;
    const shown = (value: Value | readonly string[]) =>
      typeof value === "object" ? value.join(", ") || NONE : text(value);
    this.add(field, shown(expected), shown(got));
  }

  holdRemaining(after: readonly LimitReport[]): void {
    for (const [name, units] of Object.entries(this.#expect.remaining ?? {})) {
      const found = after.find(({ limit }) => limit.name === name);
      const expected = found && amountIn(found.limit, units);
      if (!found || expected === undefined) {
        this.add(`remaining ${name}`, "a number", "it does not govern this caller");
      } else if (expected !== found.remaining) {
        const text = (amount: number) => formatAmount(found.limit.metric, amount);
        this.add(`remaining ${name}`, text(expected), text(found.remaining));
      }
    }
  }
}

function same(expected: Value | readonly string[], got: Value | readonly string[]): boolean {
  if (typeof expected !== "object" || typeof got !== "object") return expected === got;
  return expected.length === got.length && expected.every((one, index) => one === got[index]);
}

function usdText(value: Value): string {
  return typeof value === "number" ? formatUsd(value) : value;
}

function spanText(value: Value): string {
  return typeof value === "number" ? formatDuration(value) : value;
}
