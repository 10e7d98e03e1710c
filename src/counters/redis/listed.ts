import type { OpenReservation } from "../../app/ports.js";
import type { EpochMs } from "../../domain/units.js";
import { readRoleField } from "./codes.js";
import type { Keys } from "./keys.js";
import { isOpen, readRecord } from "./record.js";
import { writeReservationId } from "./reservation-id.js";

/** The keys of the role's counters in a principal's hash: its fields and their cells in turns. */
export function roleCounterKeys(principal: string, hash: unknown): readonly string[] {
  if (!Array.isArray(hash)) return [];
  return hash
    .filter((_, at) => at % 2 === 0)
    .flatMap((field: unknown) => {
      const name = readRoleField(String(field));
      return name ? [`role ${name.limitKey} ${name.workspace} ${name.role} ${principal}`] : [];
    });
}

/** What a record says of its reservation; undefined: it is not open. */
export function describeOpen(keys: Keys, key: string, value: Buffer, now: EpochMs): OpenReservation | undefined {
  const record = readRecord(value);
  if (!isOpen(record, now)) return undefined;
  const name = keys.recordNameOf(key);
  return {
    ...name,
    role: record.role,
    reservationId: writeReservationId(record.secret, name, name.requestId),
    model: record.model,
    amounts: record.amounts,
    reservedAt: record.reservedAt,
    expiresAt: record.ends,
  };
}
