import { formatUsd } from "../../domain/explain.js";
import type { NanoUsd } from "../../domain/units.js";

const CENT: NanoUsd = 1e7;

/** Write money for a person who compares sums: from a dollar on in cents, from a cent on in hundredths of one, else exactly. */
export function aboutUsd(cost: NanoUsd): string {
  const grain = cost >= 100 * CENT ? CENT : cost >= CENT ? CENT / 100 : 1;
  return formatUsd(Math.round(cost / grain) * grain);
}
