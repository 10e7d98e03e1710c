import type { EpochMs } from "../../domain/units.js";
import type { Gather } from "./gather.js";

/** The scripts of the store, each with those who wait to share its next call. */
export interface Asking {
  readonly reserve: Gather;
  readonly settle: Gather;
  readonly release: Gather;
  readonly charge: Gather;
  readonly read: Gather;
}

/** The server's time, which every reply begins with. */
export function timeIn(head: Buffer): EpochMs {
  return head.readDoubleLE(0);
}

/** A list of cells in a reply. @throws TypeError where it is none. */
export function cellsIn(reply: unknown): readonly (Buffer | null)[] {
  if (!Array.isArray(reply)) throw new TypeError("a reply of another form");
  return reply.map((cell: unknown) => (Buffer.isBuffer(cell) ? cell : null));
}
