import { type Caller, scopeId } from "../domain/caller.js";
import { isPerRequest, type Limit } from "../domain/limit.js";
import type { EpochMs } from "../domain/units.js";
import type { Reading } from "./ports.js";

/** A limit and how it stands. */
export interface LimitReport {
  readonly limit: Limit;
  /** Whose counter: the organization, the workspace (also for a shared role), or the principal. */
  readonly scopeId: string;
  readonly used: number;
  readonly reserved: number;
  /** max(0, ceiling - used - reserved). */
  readonly remaining: number;
  readonly resetsAt: EpochMs | undefined;
}

const UNTOUCHED: Reading = { used: 0, reserved: 0, resetsAt: undefined, refuses: false, freesAt: undefined };

/** Report one limit. */
export function report({ standing, principal }: Caller, limit: Limit, reading: Reading = UNTOUCHED): LimitReport {
  return {
    limit,
    scopeId: scopeId(limit, standing, principal),
    used: reading.used,
    reserved: reading.reserved,
    remaining: Math.max(0, limit.ceiling - reading.used - reading.reserved),
    resetsAt: reading.resetsAt,
  };
}

/** Report every limit that governs a caller, in the order organization, workspace, role, principal. */
export function reportAll(caller: Caller, readings: readonly Reading[]): readonly LimitReport[] {
  let counted = 0;
  return caller.standing.limits.map((limit) =>
    isPerRequest(limit) ? report(caller, limit) : report(caller, limit, readings[counted++]),
  );
}

/** Whether a limit stands above its ceiling. */
export function isOver({ limit, used, reserved }: LimitReport): boolean {
  return used + reserved > limit.ceiling;
}
