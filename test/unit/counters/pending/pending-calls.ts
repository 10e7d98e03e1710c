import type { PendingCall } from "../../../../src/app/pending-usage.js";

/** A report of ann's in dev, for the reservation `id` unless said otherwise. */
export function reportOf(id: string, words: Partial<PendingCall["call"]> = {}): PendingCall {
  return {
    call: {
      reservationId: id,
      requestId: "",
      principal: { id: "ann", role: "", workspace: "" },
      model: "small",
      endpoint: undefined,
      usage: undefined,
      outcome: "succeeded",
      labels: {},
      includeLimits: false,
      ...words,
    },
    name: { id: "ann", role: "developer", workspace: "dev" },
  };
}

/** The reservations that some reports are of. */
export function idsOf(pending: Iterable<PendingCall>): readonly string[] {
  return Array.from(pending, ({ call }) => call.reservationId);
}
