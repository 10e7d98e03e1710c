import type { EpochMs, Millis, NanoUsd, Tokens } from "../../domain/units.js";
import type { DecisionLine } from "../../telemetry/decisions/read-line.js";
import type { Turn } from "./tally.js";

/** A call of the log that may still be settled there, and what the replay made of it. */
export type OpenCall = AdmittedCall | BlockedCall | EarlyCall;

/** Allowed then, and by the new policy. */
export interface AdmittedCall {
  readonly kind: "admitted";
  /** In the replay. */
  readonly reservationId: string;
  /** The output that the new policy would have let it have; undefined where it named one itself. */
  readonly cap: Tokens | undefined;
}

/** Allowed then, and not by the new policy. */
export interface BlockedCall {
  readonly kind: "blocked";
  readonly turn: Turn;
  /** What it had reserved. */
  readonly worst: NanoUsd;
}

/** Denied then and asked again: the new policy had let its first try through, which is charged already. */
export interface EarlyCall {
  readonly kind: "early";
}

interface Kept {
  readonly call: OpenCall;
  readonly until: EpochMs;
  readonly names: readonly string[];
}

const MINUTE: Millis = 60_000;
/** How long a reservation is remembered after its end: what comes later names one that nobody knows. */
const REMEMBERED_MS: Millis = 10 * MINUTE;
/** Where a line does not say when its reservation ends, and the most that one may say. */
const USUAL_MS: Millis = 15 * MINUTE;
const LONGEST_MS: Millis = 48 * 60 * MINUTE;

/** The calls of the log that may still be settled there, by each name that a settlement may give them. */
export class OpenCalls {
  readonly #byName = new Map<string, Kept>();
  readonly #forgotten: (call: OpenCall) => void;

  /** @param forgotten told of each call that nothing more comes of. */
  constructor(forgotten: (call: OpenCall) => void) {
    this.#forgotten = forgotten;
  }

  find(name: string): OpenCall | undefined {
    return this.#byName.get(name)?.call;
  }

  keep(line: DecisionLine, call: OpenCall): void {
    const names = namesOf(line);
    const until = Math.min(line.expiresAt ?? line.at + USUAL_MS, line.at + LONGEST_MS) + REMEMBERED_MS;
    const kept = { call, until, names };
    for (const name of names) this.#byName.set(name, kept);
  }

  /** Take a call out, whatever it was named by. */
  take(name: string): OpenCall | undefined {
    const kept = this.#byName.get(name);
    if (!kept) return undefined;
    this.#drop(kept);
    return kept.call;
  }

  /** Let go of what ended so long before that no settlement can mean it. */
  forgetUntil(now: EpochMs): void {
    for (const kept of this.#byName.values()) {
      if (kept.until > now) return;
      this.#drop(kept);
      this.#forgotten(kept.call);
    }
  }

  #drop(kept: Kept): void {
    for (const name of kept.names) if (this.#byName.get(name) === kept) this.#byName.delete(name);
  }
}

/** Name a call by its reservation_id. */
export function byReservation(reservationId: string): string {
  return `reservation ${reservationId}`;
}

/** Name a call by its request_id, which is its principal's in its workspace. */
export function byRequest({ caller, requestId }: Pick<DecisionLine, "caller" | "requestId">): string {
  return `request ${caller.workspace} ${caller.principal} ${requestId}`;
}

function namesOf(line: DecisionLine): readonly string[] {
  return [
    ...(line.reservationId === "" ? [] : [byReservation(line.reservationId)]),
    ...(line.requestId === "" ? [] : [byRequest(line)]),
  ];
}
