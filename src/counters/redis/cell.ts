import type { Departure } from "../../domain/departure.js";
import type { Window } from "../../domain/limit.js";
import { type EpochMs, MAX_AMOUNT } from "../../domain/units.js";
import { isCalendar, isSliding, leavesAt, type Windows } from "../../domain/window.js";

const LABEL_BYTES = 4;
/** Before the lots: of a sliding cell its sums, of any other its label and what is used. */
const SLIDING_HEAD = 22;
const OTHER_HEAD = 12;
const STEP_BYTES = 5;
const END_BYTES = 6;
const AMOUNT_BYTES = 8;

/** A lot of a cell, as `lua/cells.lua` lays it out. */
export interface CellLot {
  /** The step of a sliding window; 0 in others. */
  readonly step: number;
  /** When it ends; undefined: it is used. */
  readonly ends: EpochMs | undefined;
  readonly givesBack: boolean;
  readonly amount: number;
}

/** What a cell holds at one instant. */
export interface CellReading {
  readonly used: number;
  readonly reserved: number;
  /** Of a calendar window: what stays until it turns, whatever ends before. */
  readonly staying: number;
  /** What still counts, and is reserved or slides. */
  readonly lots: readonly CellLot[];
}

const EMPTY: CellReading = { used: 0, reserved: 0, staying: 0, lots: [] };

/** When a cell is read, and when the store said it: at `now` or before. */
export interface Instant {
  readonly windows: Windows;
  readonly now: EpochMs;
  readonly seen: EpochMs;
}

/** Read a cell as it stands at an instant: what has ended counts as its end says, what is gone is not there. */
export function readCell(cell: Buffer | null, window: Window, { windows, now, seen }: Instant): CellReading {
  if (!cell) return EMPTY;
  const slides = isSliding(window);
  if (isCalendar(window) && cell.readUInt32LE(0) < windows[window].label) return EMPTY;

  let used = slides ? 0 : cell.readDoubleLE(LABEL_BYTES);
  let reserved = 0;
  const lots: CellLot[] = [];
  for (const lot of lotsOf(cell, slides)) {
    if (leavesAt(window, lot.step) <= now) continue;
    const isOver = lot.ends !== undefined && lot.ends <= seen;
    if (isOver && lot.givesBack) continue;
    const isUsed = isOver || lot.ends === undefined;
    if (isUsed) used += lot.amount;
    else reserved += lot.amount;
    if (!isUsed || slides) lots.push(isOver ? { ...lot, ends: undefined } : lot);
  }
  used = Math.min(used, MAX_AMOUNT);
  return { used, reserved: Math.min(reserved, MAX_AMOUNT), staying: isCalendar(window) ? used : 0, lots };
}

/** When each part goes by time alone, at `turnsAt` at the latest. */
export function departuresOf(lots: readonly CellLot[], window: Window, turnsAt: EpochMs | undefined): Departure[] {
  const latest = turnsAt ?? Number.POSITIVE_INFINITY;
  return lots.map(({ step, ends, givesBack, amount }) => {
    const givenBackAt = givesBack && ends !== undefined ? ends : latest;
    return { at: Math.min(givenBackAt, leavesAt(window, step), latest), amount };
  });
}

/** The lots of a cell as they are stored. */
export function* lotsOf(cell: Buffer, slides: boolean): Iterable<CellLot> {
  const stepBytes = slides ? STEP_BYTES : 0;
  const head = slides ? SLIDING_HEAD : OTHER_HEAD;
  for (let at = head; at < cell.length; at += stepBytes + END_BYTES + AMOUNT_BYTES) {
    const key = cell.readUIntLE(at + stepBytes, END_BYTES);
    yield {
      step: slides ? cell.readUIntLE(at, STEP_BYTES) : 0,
      ends: key === 0 ? undefined : Math.floor(key / 2) / 2,
      givesBack: key % 2 === 1,
      amount: cell.readDoubleLE(at + stepBytes + END_BYTES),
    };
  }
}
