import type { CalendarWindow } from "../../domain/limit.js";
import { laterOf, type Windows } from "../../domain/window.js";

const ORDER: readonly CalendarWindow[] = ["hour", "day", "week", "month"];
const UNTIL_BYTES = 6;
const LABEL_BYTES = 4;
const END_BYTES = 6;
const BYTES = UNTIL_BYTES + ORDER.length * (LABEL_BYTES + END_BYTES);

const written = new WeakMap<Windows, Buffer>();

/** Write windows as scripts are told them: when the first ends, their labels, their ends. */
export function writeWindows(windows: Windows): Buffer {
  const known = written.get(windows);
  if (known) return known;
  const bytes = Buffer.alloc(BYTES);
  bytes.writeUIntLE(windows.until, 0, UNTIL_BYTES);
  for (const [index, window] of ORDER.entries()) {
    bytes.writeUInt32LE(windows[window].label, labelAt(index));
    bytes.writeUIntLE(windows[window].end, endAt(index), END_BYTES);
  }
  written.set(windows, bytes);
  return bytes;
}

/** The windows that are open where the shared hash says what was reached: no counter's window goes back. */
export function reached(proposed: Windows, state: Buffer | null): Windows {
  if (!state) return proposed;
  const span = (index: number) => ({
    label: state.readUInt32LE(labelAt(index)),
    end: state.readUIntLE(endAt(index), END_BYTES),
  });
  return laterOf({ hour: span(0), day: span(1), week: span(2), month: span(3), until: proposed.until }, proposed);
}

function labelAt(index: number): number {
  return UNTIL_BYTES + index * LABEL_BYTES;
}

function endAt(index: number): number {
  return UNTIL_BYTES + ORDER.length * LABEL_BYTES + index * END_BYTES;
}
