import type { Reserve } from "../../app/ports.js";
import type { Amounts } from "../../domain/charges.js";
import type { CalendarWindow } from "../../domain/limit.js";
import type { FixedPrices } from "../../domain/settlement.js";
import type { EpochMs } from "../../domain/units.js";
import type { RequestScope } from "../memory/reservations.js";
import { type Asked, isAskedAgain, readAsked, writeAsked } from "./asked.js";
import { limitNameOf } from "./codes.js";
import { readPrice, writePrice } from "./price-bytes.js";
import type { RedisAccount } from "./redis-account.js";

const STATE = { openCharge: 0, openRelease: 1, settled: 2, late: 3, released: 4 } as const;
const ENDS_AT = 1;
const RESERVED_AT = 7;
const LABELS_AT = { hour: [13, 4], day: [17, 3], week: [20, 3], month: [23, 2] } as const;
const WIDE_AT = 25;
const SECRET_AT = 26;
const AMOUNTS_AT = 35;
const SECRET_BYTES = 9;
const NARROW_BYTES = 10;
const WIDE_BYTES = 24;
const MOST_NARROW_TOKENS = 0xff_ffff;
const MOST_NARROW_COST = 0xffff_ffff;

/** What a record says, as `lua/record.lua` lays it out. */
export interface ReservationRecord extends FixedPrices {
  readonly state: (typeof STATE)[keyof typeof STATE];
  readonly ends: EpochMs;
  readonly reservedAt: EpochMs;
  readonly secret: Buffer;
  readonly amounts: Amounts;
  readonly counters: Buffer;
  readonly role: string;
  readonly model: string;
  /** What it was made for. undefined once it is settled: then nobody asks for it again. */
  readonly asked: Asked | undefined;
}

/** Write all of a record but its head, which the script writes. */
export function writeBody(reserve: Reserve, account: RedisAccount, secret: Buffer): Buffer {
  const { plan, worst } = reserve;
  const { codes } = account;
  const { inputTokens, outputTokens, cost } = worst;
  const isWide = inputTokens > MOST_NARROW_TOKENS || outputTokens > MOST_NARROW_TOKENS || cost > MOST_NARROW_COST;
  const parts = [...writePrices(plan), account.roleBytes, sized(plan.model.id), writeAsked(reserve)];
  const countAt = 1 + SECRET_BYTES + (isWide ? WIDE_BYTES : NARROW_BYTES);
  let at = countAt + 1 + codes.length;
  const body = Buffer.allocUnsafe(parts.reduce((sum, part) => sum + part.length, at));
  body.writeUInt8(isWide ? 1 : 0, 0);
  secret.copy(body, 1);
  writeAmounts(body, 1 + SECRET_BYTES, worst, isWide);
  body.writeUInt8(codes.length, countAt);
  codes.copy(body, countAt + 1);
  for (const part of parts) at += part.copy(body, at);
  return body;
}

/** Both prices; the annotated one only where it is another. */
function writePrices({ price, annotatedPrice }: FixedPrices): readonly [Buffer, Buffer] {
  const plain = writePrice(price);
  const annotated = writePrice(annotatedPrice);
  return [plain, annotated.equals(plain) ? writePrice(undefined) : annotated];
}

function writeAmounts(to: Buffer, at: number, { inputTokens, outputTokens, cost }: Amounts, isWide: boolean): void {
  if (isWide) {
    to.writeDoubleLE(inputTokens, at);
    to.writeDoubleLE(outputTokens, at + 8);
    to.writeDoubleLE(cost, at + 16);
  } else {
    to.writeUIntLE(inputTokens, at, 3);
    to.writeUIntLE(outputTokens, at + 3, 3);
    to.writeUInt32LE(cost, at + 6);
  }
}

function readAmounts(from: Buffer, isWide: boolean): Amounts {
  if (isWide) {
    return {
      inputTokens: from.readDoubleLE(AMOUNTS_AT),
      outputTokens: from.readDoubleLE(AMOUNTS_AT + 8),
      cost: from.readDoubleLE(AMOUNTS_AT + 16),
    };
  }
  return {
    inputTokens: from.readUIntLE(AMOUNTS_AT, 3),
    outputTokens: from.readUIntLE(AMOUNTS_AT + 3, 3),
    cost: from.readUInt32LE(AMOUNTS_AT + 6),
  };
}

/** A text with its length before it. */
export function sized(text: string): Buffer {
  return Buffer.from(`${String.fromCharCode(text.length)}${text}`, "latin1");
}

/** Read a record. @throws RangeError for bytes that are none. */
export function readRecord(bytes: Buffer): ReservationRecord {
  const isWide = (bytes.readUInt8(WIDE_AT) & 1) === 1;
  const countAt = AMOUNTS_AT + (isWide ? WIDE_BYTES : NARROW_BYTES);
  const pricesAt = countAt + 1 + bytes.readUInt8(countAt);
  const plain = readPrice(bytes, pricesAt);
  const annotated = readPrice(bytes, plain.end);
  const modelAt = annotated.end + 1 + bytes.readUInt8(annotated.end);
  const askedAt = modelAt + 1 + bytes.readUInt8(modelAt);
  return {
    state: stateOf(bytes.readUInt8(0)),
    ends: bytes.readUIntLE(ENDS_AT, 6) / 2,
    reservedAt: bytes.readUIntLE(RESERVED_AT, 6),
    secret: bytes.subarray(SECRET_AT, SECRET_AT + SECRET_BYTES),
    amounts: readAmounts(bytes, isWide),
    counters: bytes.subarray(countAt + 1, pricesAt),
    price: plain.price,
    annotatedPrice: annotated.price ?? plain.price,
    role: bytes.toString("latin1", annotated.end + 1, modelAt),
    model: bytes.toString("latin1", modelAt + 1, askedAt),
    asked: askedAt < bytes.length ? readAsked(bytes, askedAt) : undefined,
  };
}

/** The label of the window of a kind that a reservation was made in. */
export function labelIn(bytes: Buffer, window: CalendarWindow): number {
  const [at, length] = LABELS_AT[window];
  return bytes.readUIntLE(at, length);
}

/** What names a reservation and no other, as text. */
export function secretOf(bytes: Buffer): string {
  return bytes.toString("latin1", SECRET_AT, SECRET_AT + SECRET_BYTES);
}

function stateOf(byte: number): ReservationRecord["state"] {
  const state = Object.values(STATE).find((one) => one === byte);
  if (state === undefined) throw new RangeError(`a record of state ${byte}`);
  return state;
}

/** Whether a reservation is open at an instant. */
export function isOpen({ state, ends }: ReservationRecord, now: EpochMs): boolean {
  return (state === STATE.openCharge || state === STATE.openRelease) && ends > now;
}

/** Whether its expiry gives back. */
export function givesBack({ state }: ReservationRecord): boolean {
  return state === STATE.openRelease;
}

/** Whether a request asks for what a reservation was made for: by the same names, or by others that mean the same. */
export function isFor({ asked, model, amounts }: ReservationRecord, reserve: Reserve): boolean {
  return asked !== undefined && isAskedAgain(asked, model, amounts, reserve);
}

/** The names of all limits in shadow that refused when it was made. */
export function shadowDenialsOf({ asked, counters, role }: ReservationRecord, scope: RequestScope): readonly string[] {
  if (!asked) return [];
  const names = { ...scope, role };
  const counted = Array.from(asked.shadowPlaces, (place) => limitNameOf(counters[place - 1] ?? 0, names));
  return [...asked.shadowDenials, ...counted];
}
