import type { Decided } from "../../app/decision-log.js";
import { type Amounts, chargeOf } from "../../domain/charges.js";
import type { Limit } from "../../domain/limit.js";
import type { EpochMs } from "../../domain/units.js";
import { flagField, quoted, textField } from "./json-fields.js";

type LimitReport = Extract<Decided["answer"], { kind: "denied" }>["limits"][number];

/**
 * Writes the limits that calls touched. Keeps the text of their names, as long as the policy that has them.
 */
export class LimitFields {
  /** By the limits of a caller; `{"name":"…","charge":` for each. */
  readonly #heads = new WeakMap<readonly Limit[], readonly string[]>();

  /**
   * The limits of a decision: those that were read with their amounts, else by name and charge.
   *
   * No counter is read for the log: an admission was not told how they stand, unless somebody asked.
   */
  field({ answer, limits, worst, degraded }: Decided): string {
    if (answer.kind === "turned_away" || !worst) return "";
    if (answer.limits.length > 0) {
      const refusing = answer.kind === "denied" ? answer.refusing : 0;
      return `,"limits":[${answer.limits.map((report, index) => readLimit(report, worst, index < refusing)).join()}]`;
    }
    return answer.kind === "denied" || degraded || limits.length === 0 ? "" : this.#charged(limits, worst);
  }

  #charged(limits: readonly Limit[], worst: Amounts): string {
    const heads = this.#headsOf(limits);
    let text = ',"limits":[';
    for (const [index, { metric }] of limits.entries()) {
      text += `${index === 0 ? "" : ","}${heads[index]}${chargeOf(metric, worst)}}`;
    }
    return `${text}]`;
  }

  #headsOf(limits: readonly Limit[]): readonly string[] {
    const known = this.#heads.get(limits);
    if (known) return known;
    const heads = limits.map(headOf);
    this.#heads.set(limits, heads);
    return heads;
  }
}

function headOf({ name }: Limit): string {
  return `{"name":${quoted(name)},"charge":`;
}

function readLimit({ limit, used, reserved, resetsAt }: LimitReport, worst: Amounts, refuses: boolean): string {
  const counts = `"used":${used},"reserved":${reserved},"ceiling":${limit.ceiling}`;
  const ends = resetsAt === undefined ? "" : textField("resets_at", instant(resetsAt));
  return `${headOf(limit)}${chargeOf(limit.metric, worst)},${counts}${flagField("refuses", refuses)}${ends}}`;
}

function instant(at: EpochMs): string {
  return new Date(at).toISOString();
}
