import type { EpochMs, Millis } from "../../domain/units.js";
import type { Windows } from "../../domain/window.js";
import { endOf, type HeldLot, type Lot, lotsInCell, lotsOfRecord, nameLot, readLotName } from "./drift-lots.js";
import type { DriftSession } from "./drift-session.js";
import { DriftSums } from "./drift-sums.js";
import { reached } from "./open-windows.js";
import { secretOf } from "./record.js";

/** A reservation lives for its ttl and up to half as long again. */
const LONGEST_IN_TTLS = 1.5;
/** The server's clock may be set back by so much between two answers and nobody sees it. */
const CLOCK_MS: Millis = 500;
const NO_SPAN = { label: 0, end: 0 };
const NONE_OPEN: Windows = { hour: NO_SPAN, day: NO_SPAN, week: NO_SPAN, month: NO_SPAN, until: 0 };

export interface LookOptions {
  readonly session: DriftSession;
  /** The least life of a reservation that is made from now on by any replica. */
  readonly leastTtlMs: () => Millis;
  readonly seed: number;
  /** Names of the lots to look at; all when left out. */
  readonly only?: ReadonlySet<string>;
}

export interface Look {
  /** Open reservations, about. */
  readonly open: number;
  /** Lots that were compared. */
  readonly lots: number;
  /** By the names of lots, what each holds that is nobody's (above 0), or lacks (below 0). */
  readonly differences: ReadonlyMap<string, number>;
}

/**
 * Compare what cells say is reserved with what open records hold, while calls go on changing both.
 *
 * A reservation that is made from now on ends no earlier than now + the least ttl. So a lot that ends before can only
 * fall, in its cell and by the records alike, and always both at once. Cells are read first, then all records, then again
 * the cells that do not agree. What a cell held before, less what the records held later, can be what was settled between.
 * But where a cell holds more after than the records held before that, the difference is nobody's; and where the records
 * held more than the cell before that, the cell lacks it.
 *
 * A walk tells every key that is there from its beginning to its end, once at the least.
 */
export async function takeLook({ session, leastTtlMs, seed, only }: LookOptions): Promise<Look> {
  const sums = new DriftSums({ seed, only });
  const ttl = leastTtlMs();
  await session.meet();
  const began = session.now;
  const horizon = began + ttl;
  const near = (lots: Iterable<HeldLot>) => endingWithin(lots, began, horizon);

  for await (const [{ principal, field }, cell] of cellsOf(session, only)) {
    sums.sawCell(near(lotsInCell(principal, field, cell)));
  }
  const seen = await walkRecords(session, sums, horizon);
  const after = await readAgain(session, sums.differing());

  // Another replica may hold another policy: no reservation that was seen had a shorter ttl than this.
  const shortest = seen.shortestMs < ttl ? seen.shortestMs / LONGEST_IN_TTLS : ttl;
  const { lots, found } = sums.differences(after, {
    horizon: began + Math.min(shortest, leastTtlMs()) - CLOCK_MS,
    now: session.now,
    windows: reached(NONE_OPEN, session.state),
  });
  return { open: seen.open, lots, differences: found };
}

type CellName = Pick<Lot, "principal" | "field">;

async function* cellsOf(
  session: DriftSession,
  only: ReadonlySet<string> | undefined,
): AsyncGenerator<readonly [CellName, Buffer]> {
  if (only) {
    yield* session.cells(cellNames(only));
    return;
  }
  for (const what of ["shared", "own"] as const) {
    for await (const part of session.walk(what)) {
      for (const [key, fields] of pairs(part)) {
        if (!Array.isArray(fields)) continue;
        const principal = what === "shared" ? "" : session.keys.principalOf(String(key));
        for (const [field, cell] of pairs(fields)) {
          if (Buffer.isBuffer(cell)) yield [{ principal, field: String(field) }, cell];
        }
      }
    }
  }
}

async function walkRecords(session: DriftSession, sums: DriftSums, horizon: EpochMs) {
  let open = 0;
  let shortestMs = Number.POSITIVE_INFINITY;
  for await (const [head, ...records] of session.walk("records", horizon)) {
    if (!Buffer.isBuffer(head)) throw new TypeError("a reply of another form");
    open += head.readUInt32LE(0);
    shortestMs = Math.min(shortestMs, head.readDoubleLE(4));
    for (const [key, record] of pairs(records)) {
      if (!Buffer.isBuffer(record)) continue;
      sums.sawRecord(secretOf(record), lotsOfRecord(session.keys.recordNameOf(String(key)), record));
    }
  }
  return { open, shortestMs };
}

/** What lots hold now, by their names. */
async function readAgain(session: DriftSession, names: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const held = new Map<string, number>();
  for await (const [{ principal, field }, cell] of session.cells(cellNames(names))) {
    for (const lot of lotsInCell(principal, field, cell)) {
      const name = nameLot(lot);
      held.set(name, (held.get(name) ?? 0) + lot.amount);
    }
  }
  return held;
}

/** The cells that lots stand in, each once. */
function cellNames(lots: Iterable<string>): readonly CellName[] {
  const cells = new Map<string, CellName>();
  for (const name of lots) {
    const { principal, field } = readLotName(name);
    cells.set(`${principal}\n${field}`, { principal, field });
  }
  return [...cells.values()];
}

function* endingWithin(lots: Iterable<HeldLot>, from: EpochMs, until: EpochMs): Iterable<HeldLot> {
  for (const lot of lots) {
    const ends = endOf(lot);
    if (ends > from && ends < until) yield lot;
  }
}

function* pairs(list: readonly unknown[]): Iterable<readonly [unknown, unknown]> {
  for (let at = 0; at + 1 < list.length; at += 2) yield [list[at], list[at + 1]];
}
