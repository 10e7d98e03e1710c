import type { Reserve } from "../../app/ports.js";
import type { Amounts } from "../../domain/charges.js";
import { ENDPOINTS, type Endpoint } from "../../domain/model.js";
import type { Price } from "../../domain/money.js";
import type { EpochMs } from "../../domain/units.js";
import type { RequestScope } from "../memory/reservations.js";
import { limitNameOf } from "./codes.js";
import type { RedisAccount } from "./redis-account.js";

const STATE = { openCharge: 0, openRelease: 1, settled: 2, late: 3, released: 4 } as const;
const ENDS_AT = 1;
const RESERVED_AT = 7;
const WIDE_AT = 25;
const SECRET_AT = 26;
const AMOUNTS_AT = 35;
const SECRET_BYTES = 9;
const NARROW_BYTES = 13;
const WIDE_BYTES = 24;
const NEW_LINE = 10;
const NO_BYTES = Buffer.alloc(0);
const MOST_NARROW_TOKENS = 0xffff_ffff;
const MOST_NARROW_COST = 0xff_ffff_ffff;

/** What a record says, as `lua/record.lua` lays it out. */
export interface ReservationRecord {
  readonly state: (typeof STATE)[keyof typeof STATE];
  readonly ends: EpochMs;
  readonly reservedAt: EpochMs;
  readonly secret: Buffer;
  readonly amounts: Amounts;
  readonly counters: Buffer;
  /** Of limits in shadow that refused: their places among the counters, from 1. */
  readonly shadowPlaces: Buffer;
  readonly role: string;
  readonly model: string;
  /** Undefined once it is settled: then nobody asks for it again. */
  readonly asked: Asked | undefined;
}

/** What it was made for. */
interface Asked {
  readonly model: string;
  readonly endpoint: Endpoint | undefined;
  readonly asked: Endpoint | undefined;
  readonly capAsked: boolean;
  readonly annotatedPages: boolean;
  readonly pages: number;
  readonly audioSeconds: number;
  readonly policyRevision: string;
  readonly shadowDenials: readonly string[];
}

/** Write all of a record but its head, which the script writes. */
export function writeBody(
  { plan, request, worst, shadowDenials }: Reserve,
  account: RedisAccount,
  secret: Buffer,
): Buffer {
  const tail = [
    account.caller.standing.role.name,
    priceText(plan.price),
    plan.annotatedPrice === plan.price ? "" : priceText(plan.annotatedPrice),
    plan.model.id,
    plan.asked.model === plan.model.id ? "" : plan.asked.model,
    ENDPOINTS.indexOf(plan.endpoint),
    plan.asked.endpoint === undefined ? "" : ENDPOINTS.indexOf(plan.asked.endpoint),
    (request.maxOutputTokens > 0 ? 1 : 0) + (request.annotatedPages ? 2 : 0),
    request.pages === 0 ? "" : request.pages,
    request.audioSeconds === 0 ? "" : request.audioSeconds,
    plan.policyRevision,
    shadowDenials.join(","),
  ].join(" ");

  const { codes } = account;
  const { inputTokens, outputTokens, cost } = worst;
  const isWide = inputTokens > MOST_NARROW_TOKENS || outputTokens > MOST_NARROW_TOKENS || cost > MOST_NARROW_COST;
  const countAt = 1 + SECRET_BYTES + (isWide ? WIDE_BYTES : NARROW_BYTES);
  const body = Buffer.allocUnsafe(countAt + 1 + codes.length + Buffer.byteLength(tail));
  body.writeUInt8(isWide ? 1 : 0, 0);
  secret.copy(body, 1);
  writeAmounts(body, 1 + SECRET_BYTES, worst, isWide);
  body.writeUInt8(codes.length, countAt);
  codes.copy(body, countAt + 1);
  body.write(tail, countAt + 1 + codes.length);
  return body;
}

function writeAmounts(to: Buffer, at: number, { inputTokens, outputTokens, cost }: Amounts, isWide: boolean): void {
  if (isWide) {
    to.writeDoubleLE(inputTokens, at);
    to.writeDoubleLE(outputTokens, at + 8);
    to.writeDoubleLE(cost, at + 16);
  } else {
    to.writeUInt32LE(inputTokens, at);
    to.writeUInt32LE(outputTokens, at + 4);
    to.writeUIntLE(cost, at + 8, 5);
  }
}

const priceTexts = new WeakMap<Price, string>();

/** `denominator,input,cached,output,page,second`, without what is 0 at its end; empty: no price. */
function priceText(price: Price | undefined): string {
  if (!price) return "";
  const known = priceTexts.get(price);
  if (known !== undefined) return known;
  const { denominator, input, cachedInput, output, page, audioSecond } = price.exact;
  const text = [denominator, input, cachedInput, output, page, audioSecond].join(",").replace(/(?:,0)+$/, "");
  priceTexts.set(price, text);
  return text;
}

/** Read what `priceText` wrote. */
export function readPrice(text: string): Price | undefined {
  if (text === "") return undefined;
  const parts = text.split(",").map((part) => BigInt(part));
  const [denominator = 1n, input = 0n, cachedInput = 0n, output = 0n, page = 0n, audioSecond = 0n] = parts;
  const exact = { denominator, input, cachedInput, output, page, audioSecond };
  return {
    denominator: Number(denominator),
    input: Number(input),
    cachedInput: Number(cachedInput),
    output: Number(output),
    page: Number(page),
    audioSecond: Number(audioSecond),
    exact,
  };
}

/** Read a record. */
export function readRecord(bytes: Buffer): ReservationRecord {
  const isWide = bytes.readUInt8(WIDE_AT) === 1;
  const countAt = AMOUNTS_AT + (isWide ? WIDE_BYTES : NARROW_BYTES);
  const tailAt = countAt + 1 + bytes.readUInt8(countAt);
  const lineAt = bytes.indexOf(NEW_LINE, tailAt);
  const tail = bytes.toString("latin1", tailAt, lineAt < 0 ? bytes.length : lineAt);
  const [role = "", , , model = "", ...asked] = tail.split(" ");
  return {
    state: stateOf(bytes.readUInt8(0)),
    ends: bytes.readUIntLE(ENDS_AT, 6) / 2,
    reservedAt: bytes.readUIntLE(RESERVED_AT, 6),
    secret: bytes.subarray(SECRET_AT, SECRET_AT + SECRET_BYTES),
    amounts: isWide
      ? {
          inputTokens: bytes.readDoubleLE(AMOUNTS_AT),
          outputTokens: bytes.readDoubleLE(AMOUNTS_AT + 8),
          cost: bytes.readDoubleLE(AMOUNTS_AT + 16),
        }
      : {
          inputTokens: bytes.readUInt32LE(AMOUNTS_AT),
          outputTokens: bytes.readUInt32LE(AMOUNTS_AT + 4),
          cost: bytes.readUIntLE(AMOUNTS_AT + 8, 5),
        },
    counters: bytes.subarray(countAt + 1, tailAt),
    shadowPlaces: lineAt < 0 ? NO_BYTES : bytes.subarray(lineAt + 1),
    role,
    model,
    asked: asked.length > 0 ? readAsked(model, asked) : undefined,
  };
}

function stateOf(byte: number): ReservationRecord["state"] {
  const state = Object.values(STATE).find((one) => one === byte);
  if (state === undefined) throw new RangeError(`a record of state ${byte}`);
  return state;
}

function readAsked(model: string, [name, endpoint, asked, flags, pages, seconds, revision, shadow]: string[]): Asked {
  return {
    model: name || model,
    endpoint: ENDPOINTS[Number(endpoint)],
    asked: asked ? ENDPOINTS[Number(asked)] : undefined,
    capAsked: Number(flags) % 2 === 1,
    annotatedPages: Number(flags) > 1,
    pages: Number(pages),
    audioSeconds: Number(seconds),
    policyRevision: revision ?? "",
    shadowDenials: shadow ? shadow.split(",") : [],
  };
}

/** Whether a reservation is open at an instant. */
export function isOpen({ state, ends }: ReservationRecord, now: EpochMs): boolean {
  return (state === STATE.openCharge || state === STATE.openRelease) && ends > now;
}

/** Whether its expiry gives back. */
export function givesBack({ state }: ReservationRecord): boolean {
  return state === STATE.openRelease;
}

/**
 * Whether a request asks for what a reservation was made for: by the same names, or by others that mean the same.
 * A name that has come to mean another model since still asks for what it asked for.
 */
export function isFor({ asked, model, amounts }: ReservationRecord, { plan, request }: Reserve): boolean {
  if (!asked) return false;
  const isAsked = asked.model === plan.asked.model && asked.asked === plan.asked.endpoint;
  const isMeant = model === plan.model.id && asked.endpoint === plan.endpoint;
  const cap = asked.capAsked ? amounts.outputTokens : 0;
  return (
    (isAsked || isMeant) &&
    amounts.inputTokens === request.inputTokens &&
    cap === (plan.hasOutput ? request.maxOutputTokens : 0) &&
    asked.pages === request.pages &&
    asked.audioSeconds === request.audioSeconds &&
    asked.annotatedPages === request.annotatedPages
  );
}

/** The names of all limits in shadow that refused when it was made. */
export function shadowDenialsOf(
  { asked, counters, shadowPlaces, role }: ReservationRecord,
  scope: RequestScope,
): readonly string[] {
  const names = { ...scope, role };
  const counted = Array.from(shadowPlaces, (place) => limitNameOf(counters[place - 1] ?? 0, names));
  return [...(asked?.shadowDenials ?? []), ...counted];
}
