import type { CounterPage, Grant, OpenReservation, Page, ReservationPage } from "../../app/ports.js";
import { readRoleCounterKey } from "../../domain/caller.js";
import type { EpochMs } from "../../domain/units.js";
import type { Counters } from "./counters.js";
import { nameOf } from "./owner.js";
import type { Reservations } from "./reservations.js";

/** A page of the keys of counters that principals have for their roles' limits. */
export function counterPage(counters: Counters, { after, limit }: Page): CounterPage {
  const keys: string[] = [];
  let last = 0;
  for (const [slot, { key }] of counters.after(Number(after))) {
    if (!readRoleCounterKey(key)) continue;
    if (keys.length === limit) return { keys, next: String(last) };
    keys.push(key);
    last = slot;
  }
  return { keys, next: undefined };
}

/** A page of open reservations, in the order of their slots. */
export function reservationPage(reservations: Reservations, { after, limit }: Page, now: EpochMs): ReservationPage {
  const found: OpenReservation[] = [];
  for (const slot of reservations.openAfter(after, now)) {
    if (found.length === limit) return { reservations: found, next: found.at(-1)?.reservationId };
    found.push(describe(reservations, slot));
  }
  return { reservations: found, next: undefined };
}

/** What the caller of an open reservation was answered, and is again. */
export function grantOf(reservations: Reservations, slot: number): Grant {
  const { plan } = reservations.terms(slot);
  const { outputTokens, cost } = reservations.amounts(slot);
  const { requestId, reservationId } = reservations.ids(slot);
  return {
    requestId,
    reservationId,
    expiresAt: reservations.ending(slot).ends,
    model: plan.model.id,
    outputTokens,
    cost,
    policyRevision: plan.policyRevision,
    shadowDenials: reservations.shadowDenials(slot),
  };
}

function describe(reservations: Reservations, slot: number): OpenReservation {
  const { account, plan } = reservations.terms(slot);
  return {
    ...nameOf(account.caller),
    ...reservations.ids(slot),
    model: plan.model.id,
    amounts: reservations.amounts(slot),
    reservedAt: reservations.reservedAt(slot),
    expiresAt: reservations.ending(slot).ends,
  };
}
