import { createHash } from "node:crypto";
import type { CallerName, ReservationName } from "../../app/ports.js";
import type { Amounts } from "../../domain/charges.js";
import type { EpochMs } from "../../domain/units.js";
import { MEMORY_MS } from "./reservation-records.js";
import { requestKey } from "./reservations.js";

/**
 * No limit holds back reports of usage, so their number is bounded here. Beyond it the oldest is forgotten before its
 * time: a resend of that one is charged again, which errs on the side of the budget.
 */
const MOST_REMEMBERED = 250_000;

/** What was charged, to whom and for which model. */
export interface ChargedUsage {
  readonly amounts: Amounts;
  readonly caller: CallerName;
  readonly model: string;
}

/** Usage that was charged without a reservation, by the id it came with, for ten minutes. */
export class ChargedOnce {
  /** In the order of charging, as a Map keeps it. */
  readonly #charged = new Map<string, ChargedUsage & { readonly at: EpochMs }>();

  get size(): number {
    return this.#charged.size;
  }

  /** What was charged for a key; undefined where nothing is remembered. */
  find(key: string, now: EpochMs): ChargedUsage | undefined {
    const charged = this.#charged.get(key);
    return charged && now < charged.at + MEMORY_MS ? charged : undefined;
  }

  remember(key: string, usage: ChargedUsage, now: EpochMs): void {
    this.#charged.delete(key);
    this.#charged.set(key, { ...usage, at: now });
    if (this.#charged.size > MOST_REMEMBERED) this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const key of this.#charged.keys()) {
      this.#charged.delete(key);
      return;
    }
  }

  /** All that is kept, the oldest first; what is charged meanwhile comes at the end. */
  entries(): IterableIterator<[string, ChargedUsage & { readonly at: EpochMs }]> {
    return this.#charged.entries();
  }

  /** Bring what was restored into the order of charging. */
  settleDown(): void {
    const inOrder = [...this.#charged].sort(([, left], [, right]) => left.at - right.at);
    this.#charged.clear();
    for (const [key, usage] of inOrder) this.#charged.set(key, usage);
  }

  /** Drop at most `count` of those that are no longer remembered. */
  collect(count: number, now: EpochMs): void {
    let left = count;
    for (const [key, { at }] of this.#charged) {
      if (left-- <= 0 || now < at + MEMORY_MS) return;
      this.#charged.delete(key);
    }
  }
}

const MOST_LETTERS_KEPT = 64;
const PRINTABLE = /^[!-~]+$/;

/** The key that usage is remembered by: its reservation_id, or its request_id in its scope. */
export function onceKey(name: ReservationName): string {
  if (!("reservationId" in name)) return `request ${requestKey(name, name.requestId)}`;
  const { reservationId } = name;
  // Ours are short. Whatever else callers send takes no more room than a digest.
  const isOurs = reservationId.length <= MOST_LETTERS_KEPT && PRINTABLE.test(reservationId);
  return isOurs
    ? `reservation ${reservationId}`
    : `digest ${createHash("sha256").update(reservationId).digest("base64")}`;
}
