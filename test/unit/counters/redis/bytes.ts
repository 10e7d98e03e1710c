import type { EpochMs } from "../../../../src/domain/units.js";
import type { Windows } from "../../../../src/domain/window.js";

// Bytes as the scripts write them, put together here by what lua/cells.lua, lua/state.lua and lua/record.lua say.

/** What is reserved until an instant, or used where it has none. */
export interface LotWords {
  readonly amount: number;
  readonly ends?: EpochMs;
  readonly givesBack?: boolean;
  /** Of a sliding window. */
  readonly step?: number;
}

function bytes(width: number, value: number): Buffer {
  const written = Buffer.alloc(width);
  written.writeUIntLE(value, 0, width);
  return written;
}

function double(value: number): Buffer {
  const written = Buffer.alloc(8);
  written.writeDoubleLE(value);
  return written;
}

function endOf({ ends, givesBack }: LotWords): Buffer {
  return bytes(6, ends === undefined ? 0 : 4 * ends + (givesBack ? 1 : 0));
}

/** A cell of a calendar window, or of what is in flight: then its label is 0. */
export function cellOf(label: number, used: number, ...lots: readonly LotWords[]): Buffer {
  const parts = lots.flatMap((lot) => [endOf(lot), double(lot.amount)]);
  return Buffer.concat([bytes(4, label), double(used), ...parts]);
}

/** A cell of a sliding window. Its sums are only for scripts, and are wrong here, so that nobody else goes by them. */
export function slidingCellOf(...lots: readonly LotWords[]): Buffer {
  const parts = lots.flatMap((lot) => [bytes(5, lot.step ?? 0), endOf(lot), double(lot.amount)]);
  return Buffer.concat([double(12_345), double(54_321), bytes(6, 0), ...parts]);
}

const CALENDAR = ["hour", "day", "week", "month"] as const;

/** The shared hash's field about itself, where these windows were reached. */
export function stateOf(windows: Windows): Buffer {
  const labels = CALENDAR.map((window) => bytes(4, windows[window].label));
  const ends = CALENDAR.map((window) => bytes(6, windows[window].end));
  return Buffer.concat([bytes(6, 1_900_000_000_000), ...labels, ...ends, Buffer.from("epoch-01")]);
}

/** The head of a record, which the script writes. State: 0 and 1 open, 2 settled, 3 late, 4 released. */
export function headOf(state: number, ends: EpochMs, reservedAt: EpochMs): Buffer {
  const labels = [bytes(4, 29_554_560), bytes(3, 20_522), bytes(3, 20_521), bytes(2, 24_315)];
  return Buffer.concat([bytes(1, state), bytes(6, 2 * ends), bytes(6, reservedAt), ...labels]);
}

/** A record as settling leaves it: without counters, prices and what was asked. */
export function settledRecord(secret: Buffer, role: string, model: string): Buffer {
  const amounts = [bytes(3, 7), bytes(3, 5), bytes(4, 29)];
  const names = [role, model].map((name) => Buffer.from(String.fromCharCode(name.length) + name, "latin1"));
  return Buffer.concat([headOf(2, 2_000, 1_000), bytes(1, 0), secret, ...amounts, Buffer.alloc(3), ...names]);
}
