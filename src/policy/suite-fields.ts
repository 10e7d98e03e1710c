import { z } from "zod";
import { parseDuration } from "../domain/duration.js";
import type { EpochMs, Millis } from "../domain/units.js";
import { message, text, wrongType } from "./fields.js";
import { ONE } from "./number-text.js";
import { isRecord } from "./raw.js";
import { show } from "./show.js";

const LONGEST_WAIT_MS = 366 * 86_400_000;

/** An expectation of nothing could not fail. */
export function something<Shape extends z.ZodType<object>>(expectation: Shape): Shape {
  return expectation.refine((expected) => Object.keys(expected).length > 0, {
    error: () => message("expects nothing", "say what must come of it, such as { decision: allow }"),
  });
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/;

/** A moment as ISO 8601 with its offset, as epoch ms. */
export function instant() {
  const remedy = "write it as 2026-01-31T12:00:00Z, or with an offset such as +01:00 in place of Z";
  return text({ expected: "an instant as text", remedy }, INSTANT).transform((written, check): EpochMs => {
    const at = Date.parse(written);
    if (!Number.isNaN(at)) return at;
    check.addIssue({ code: "custom", message: message(`${show(written)} is on no calendar`, remedy) });
    return z.NEVER;
  });
}

/** A span of time to let pass, as milliseconds. */
export function wait() {
  const remedy = "write hours, minutes and seconds such as 90s, 15m or 24h, at most 8784h";
  return text({ expected: "a duration such as 15m", remedy }).transform((written, check): Millis => {
    const ms = parseDuration(written);
    if (ms !== undefined && ms > 0 && ms <= LONGEST_WAIT_MS) return ms;
    check.addIssue({ code: "custom", message: message(`${show(written)} is no time to wait`, remedy) });
    return z.NEVER;
  });
}

/** The claims of a token. */
export function claims() {
  const words = { expected: "a map of claims", remedy: "write { iss: …, aud: …, sub: … }" };
  return z.record(z.string(), z.unknown(), { error: wrongType(words) }).transform(plainClaims);
}

/** The values of a token as JSON has them: this reader's numbers are bigints. */
function plainClaims(claims: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(claims).map(([claim, value]) => [claim, plainClaim(value)]));
}

function plainClaim(value: unknown): unknown {
  if (typeof value === "bigint") return value % ONE === 0n ? Number(value / ONE) : Number(value) / Number(ONE);
  if (Array.isArray(value)) return value.map(plainClaim);
  return isRecord(value) ? plainClaims(value) : value;
}
