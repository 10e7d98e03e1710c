import type { Desk } from "../app/desk.js";
import { readSharedLimits } from "../app/list-limits.js";
import type { LimitUse } from "../telemetry/metrics-source.js";

/** Read the limits that many callers share, as metrics show them; undefined where the store does not answer. */
export async function limitsToScrape(desk: Desk): Promise<readonly LimitUse[] | undefined> {
  const read = await readSharedLimits(desk);
  if ("kind" in read) return undefined;
  return read.map(({ limit: { name, metric, ceiling }, scopeId, used, reserved }) => ({
    name,
    metric,
    ceiling,
    scopeId,
    used,
    reserved,
  }));
}
