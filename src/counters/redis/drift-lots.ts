import { chargeOf } from "../../domain/charges.js";
import { LIMIT_KEYS, type LimitKey, type Window } from "../../domain/limit.js";
import type { EpochMs } from "../../domain/units.js";
import { isCalendar, isSliding, stepMs } from "../../domain/window.js";
import type { RequestScope } from "../memory/reservations.js";
import { lotsOf } from "./cell.js";
import { counterCode, fieldOf, limitNameOf, SCOPE, type ScopeCode } from "./codes.js";
import { givesBack, labelIn, readRecord } from "./record.js";

/** Which lot of which counter: all that is reserved there until one instant. */
export interface Lot {
  /** Whose hash the counter stands in; empty: the organization's shared one. */
  readonly principal: string;
  readonly field: string;
  readonly window: Window;
  /** The step of a sliding window, the label of a calendar one, 0 of what is in flight. */
  readonly place: number;
  /** 4 x the instant at which it ends, in ms, + 1 where its amount is then given back. */
  readonly end: number;
}

export interface HeldLot extends Lot {
  readonly amount: number;
}

const COUNTED = [...LIMIT_KEYS.values()].filter(({ window }) => window !== "request");
const KINDS: ReadonlyMap<string, LimitKey> = new Map(
  COUNTED.map((counter) => [fieldOf(SCOPE.organization, counter, "", ""), counter]),
);
const CODES: ReadonlyMap<number, { readonly scope: ScopeCode; readonly counter: LimitKey }> = new Map(
  Object.values(SCOPE).flatMap((scope) =>
    COUNTED.map((counter) => [counterCode(scope, counter), { scope, counter }] as const),
  ),
);

/** A lot's name as text. No part of it holds a line break. */
export function nameLot({ principal, field, place, end }: Omit<Lot, "window">): string {
  return `${principal}\n${field}\n${place}\n${end}`;
}

/** Read a lot's name. @throws RangeError for a text that is none. */
export function readLotName(name: string): Lot {
  const [principal = "", field = "", place = "", end = "", more] = name.split("\n");
  const isLot = more === undefined && [place, end].every((number) => /^\d{1,15}$/.test(number));
  if (!isLot) throw new RangeError("a text that names no lot");
  return { principal, field, window: counterIn(field).window, place: Number(place), end: Number(end) };
}

/** When a lot ends. */
export function endOf({ end }: Pick<Lot, "end">): EpochMs {
  return Math.floor(end / 2) / 2;
}

/** What a field counts. @throws RangeError for a field that is no counter's. */
export function counterIn(field: string): LimitKey {
  const counter = KINDS.get(field.slice(0, 2));
  if (!counter) throw new RangeError(`the field ${field} is no counter's`);
  return counter;
}

/** What a cell says that reservations hold, lot by lot. @throws RangeError for bytes that are no cell. */
export function* lotsInCell(principal: string, field: string, cell: Buffer): Iterable<HeldLot> {
  const { window } = counterIn(field);
  const label = isCalendar(window) ? cell.readUInt32LE(0) : 0;
  for (const { step, ends, givesBack: back, amount } of lotsOf(cell, isSliding(window))) {
    if (ends === undefined) continue;
    const place = isSliding(window) ? step : label;
    yield { principal, field, window, place, end: ends * 4 + (back ? 1 : 0), amount };
  }
}

/** What an open reservation holds in each of its counters. @throws RangeError for bytes that are no record. */
export function* lotsOfRecord({ workspace, principal }: RequestScope, bytes: Buffer): Iterable<HeldLot> {
  const record = readRecord(bytes);
  for (const code of record.counters) {
    const known = CODES.get(code);
    if (!known) throw new RangeError(`a record with a counter ${code}`);
    const { scope, counter } = known;
    const { metric, window } = counter;
    const amount = chargeOf(metric, record.amounts);
    if (amount === 0) continue;
    yield {
      principal: scope < SCOPE.role ? "" : principal,
      field: fieldOf(scope, counter, workspace, record.role),
      window,
      place: placeOf(window, bytes, record.reservedAt),
      end: record.ends * 4 + (givesBack(record) || window === "in_flight" ? 1 : 0),
      amount,
    };
  }
}

function placeOf(window: Window, record: Buffer, reservedAt: EpochMs): number {
  if (isSliding(window)) return Math.floor(reservedAt / stepMs(window));
  return isCalendar(window) ? labelIn(record, window) : 0;
}

/** The limit that a lot counts for, as the policy file spells it, and where that does not say it whose counter it is. */
export function limitOf({ principal, field }: Lot): string {
  const [, workspace = "", role = ""] = field.split(" ");
  const scope = scopeIn(principal, workspace, role);
  const name = limitNameOf(counterCode(scope, counterIn(field)), { workspace, role, principal });
  if (scope === SCOPE.role) return `${name} of ${principal} in ${workspace}`;
  return scope === SCOPE.shared ? `${name} in ${workspace}` : name;
}

function scopeIn(principal: string, workspace: string, role: string): ScopeCode {
  if (principal !== "") return role === "" ? SCOPE.principal : SCOPE.role;
  if (role !== "") return SCOPE.shared;
  return workspace === "" ? SCOPE.organization : SCOPE.workspace;
}
