import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Reserve } from "../../../../src/app/ports.js";
import { metricCode, windowCode } from "../../../../src/counters/redis/codes.js";
import {
  givesBack,
  isOpen,
  type ReservationRecord,
  readRecord,
  shadowDenialsOf,
  writeBody,
} from "../../../../src/counters/redis/record.js";
import type { RedisAccount } from "../../../../src/counters/redis/redis-account.js";
import type { Amounts } from "../../../../src/domain/charges.js";
import { MAX_AMOUNT } from "../../../../src/domain/units.js";
import { modelOf, nano } from "../../../support/policy-words.js";
import { headOf, settledRecord } from "./bytes.js";
import { callsUnder } from "./reserve-of.js";

const SECRET = Buffer.from("a0a1a2a3a4a5a6a7a8", "hex");
const SCOPE = { workspace: "dev", principal: "ann" };
const ENDS = Date.UTC(2026, 2, 10, 12, 15) + 0.5;
const RESERVED_AT = Date.UTC(2026, 2, 10, 12);
const LIMITS = {
  "organization.usd_per_month": 9,
  "roles.developer.tokens_per_day": 9,
  "principals.ann.usd_per_day": 9,
};

function record(reserve: Reserve, account: RedisAccount, places: readonly number[] = []): ReservationRecord {
  const line = places.length === 0 ? [] : [Buffer.from([10, ...places])];
  return readRecord(Buffer.concat([headOf(0, ENDS, RESERVED_AT), writeBody(reserve, account, SECRET), ...line]));
}

function recordOf(worst: Partial<Amounts>) {
  const { account, reserveOf } = callsUnder({ limits: LIMITS });
  const reserve = reserveOf();
  const asked = { ...reserve, worst: { ...reserve.worst, ...worst } };
  return { worst: asked.worst, body: writeBody(asked, account, SECRET), read: record(asked, account) };
}

describe("a record", () => {
  it("says all that its reservation fixed", () => {
    const { account, reserveOf } = callsUnder({ limits: LIMITS, revision: "00ff12ab34cd56ef" });
    const reserve = reserveOf({ input: 100, output: 20 });
    expect(record(reserve, account)).toEqual({
      state: 0,
      ends: ENDS,
      reservedAt: RESERVED_AT,
      secret: SECRET,
      amounts: { inputTokens: 100, outputTokens: 20, cost: 260 },
      counters: account.codes,
      price: reserve.plan.price,
      annotatedPrice: reserve.plan.price,
      role: "developer",
      model: "small-1",
      asked: expect.objectContaining({
        endpoint: "chat_completions",
        askedEndpoint: undefined,
        capAsked: true,
        policyRevision: "00ff12ab34cd56ef",
        shadowDenials: [],
        shadowPlaces: Buffer.alloc(0),
      }),
    });
  });

  it("names the counters of its limits, shared ones first", () => {
    const { account } = callsUnder({ limits: LIMITS });
    const day = 6 * (metricCode("usd") - 1) + windowCode("day");
    expect([...account.codes]).toEqual([30, 3 * 32 + 10, 4 * 32 + day]);
  });

  it.each<[string, Partial<Amounts>, number]>([
    ["narrow up to 2^24-1 tokens", { inputTokens: 0xff_ffff, outputTokens: 0xff_ffff }, 0],
    ["narrow up to 2^32-1 nano-USD", { cost: 0xffff_ffff }, 0],
    ["narrow for nothing", { inputTokens: 0, outputTokens: 0, cost: 0 }, 0],
    ["wide above 2^24-1 input tokens", { inputTokens: 0x100_0000 }, 1],
    ["wide above 2^24-1 output tokens", { outputTokens: 0x100_0000 }, 1],
    ["wide above 2^32-1 nano-USD", { cost: 0x1_0000_0000 }, 1],
    ["wide for the most that is counted", { inputTokens: MAX_AMOUNT, outputTokens: MAX_AMOUNT, cost: MAX_AMOUNT }, 1],
  ])("is %s", (_, worst, wide) => {
    const { worst: amounts, body, read } = recordOf(worst);
    expect(body[0]).toBe(wide);
    expect(body.length).toBe(recordOf({}).body.length + 14 * wide);
    expect(read).toMatchObject({ amounts, secret: SECRET, role: "developer", model: "small-1" });
  });

  it("holds every amount exactly", () => {
    const amount = fc.oneof(fc.maxSafeNat(), fc.nat({ max: 2 ** 25 }));
    const worst = fc.record({ inputTokens: amount, outputTokens: amount, cost: amount });
    const property = fc.property(worst, (amounts) => {
      expect(recordOf(amounts).read.amounts).toEqual(amounts);
    });
    fc.assert(property, { seed: 1 });
  });

  it("is open until the instant of its end, half milliseconds counted", () => {
    const { read } = recordOf({});
    expect([ENDS - 0.5, ENDS, ENDS + 0.5].map((now) => isOpen(read, now))).toEqual([true, false, false]);
  });

  it("is open and gives back by its state", () => {
    const { account, reserveOf } = callsUnder({ limits: LIMITS });
    const body = writeBody(reserveOf(), account, SECRET);
    const states = [0, 1, 2, 3, 4].map((state) => readRecord(Buffer.concat([headOf(state, ENDS, RESERVED_AT), body])));
    expect(states.map((one) => isOpen(one, RESERVED_AT))).toEqual([true, true, false, false, false]);
    expect(states.map(givesBack)).toEqual([false, true, false, false, false]);
  });

  it("is read as a settlement leaves it, and then was asked for by nobody", () => {
    const read = readRecord(settledRecord(SECRET, "developer", "small-1"));
    expect(read).toEqual({
      state: 2,
      ends: 2_000,
      reservedAt: 1_000,
      secret: SECRET,
      amounts: { inputTokens: 7, outputTokens: 5, cost: 29 },
      counters: Buffer.alloc(0),
      price: undefined,
      annotatedPrice: undefined,
      role: "developer",
      model: "small-1",
      asked: undefined,
    });
    expect(isOpen(read, 0)).toBe(false);
    expect(shadowDenialsOf(read, SCOPE)).toEqual([]);
  });

  it("of a state that nobody writes, and bytes that are too few, are an error", () => {
    const whole = settledRecord(SECRET, "developer", "small-1");
    expect(() => readRecord(Buffer.concat([Buffer.from([5]), whole.subarray(1)]))).toThrow(
      new RangeError("a record of state 5"),
    );
    for (let length = 0; length < 48; length++) expect(() => readRecord(whole.subarray(0, length))).toThrow(RangeError);
  });
});

describe("a record's prices", () => {
  const ocr = (rates: object) => {
    const models = [modelOf("ocr-1", { endpoints: ["ocr"], rates })];
    const { account, reserveOf } = callsUnder({ limits: { "organization.requests_per_day": 9 }, models });
    const reserve = reserveOf({ model: "ocr-1", pages: 3 });
    return { plan: reserve.plan, read: record(reserve, account) };
  };

  it("are two where annotated pages cost another", () => {
    const { plan, read } = ocr({ page: nano(1_000), annotatedPage: nano(3_000) });
    expect([read.price?.page, read.annotatedPrice?.page]).toEqual([1_000, 3_000]);
    expect(read).toMatchObject({ price: plan.price, annotatedPrice: plan.annotatedPrice });
  });

  it("are one where annotated pages cost the same, or have no price of their own", () => {
    for (const rates of [{ page: nano(1_000), annotatedPage: nano(1_000) }, { page: nano(1_000) }]) {
      const { plan, read } = ocr(rates);
      expect(read).toMatchObject({ price: plan.price, annotatedPrice: plan.price });
    }
  });

  it("are none where nothing has one, or the annotated one alone", () => {
    expect(ocr({}).read).toMatchObject({ price: undefined, annotatedPrice: undefined });
    const { plan, read } = ocr({ annotatedPage: nano(3_000) });
    expect(read).toMatchObject({ price: undefined, annotatedPrice: plan.annotatedPrice });
  });
});

describe("limits in shadow that refused", () => {
  const PER_REQUEST = ["workspaces.dev.tokens_per_request", "roles.developer.usd_per_request"];

  it("are remembered by name where each request is held against them alone", () => {
    const { account, reserveOf } = callsUnder({ limits: LIMITS });
    const read = record(reserveOf({ shadowDenials: PER_REQUEST }), account);
    expect(shadowDenialsOf(read, SCOPE)).toEqual(PER_REQUEST);
  });

  it("are remembered by the places of their counters where they have one", () => {
    const { account, reserveOf } = callsUnder({ limits: LIMITS });
    const read = record(reserveOf({ shadowDenials: PER_REQUEST }), account, [1, 3]);
    expect(shadowDenialsOf(read, SCOPE)).toEqual([
      ...PER_REQUEST,
      "organization.usd_per_month",
      "principals.ann.usd_per_day",
    ]);
  });

  it("are the right ones where the tenth of them is, whose place is a line's end", () => {
    const windows = ["second", "minute", "hour", "day", "week", "month"];
    const names = ["tokens", "requests"].flatMap((metric) => windows.map((one) => `organization.${metric}_per_${one}`));
    const { account, reserveOf } = callsUnder({ limits: Object.fromEntries(names.map((name) => [name, 9])) });
    expect(shadowDenialsOf(record(reserveOf(), account, [9, 10, 11]), SCOPE)).toEqual(names.slice(8, 11));
    expect(shadowDenialsOf(record(reserveOf(), account, [10]), SCOPE)).toEqual(names.slice(9, 10));
  });

  it("are the right ones where a principal's name has a comma in it", () => {
    const name = "principals.a,b.tokens_per_request";
    const { account, reserveOf } = callsUnder({ limits: LIMITS });
    const read = record(reserveOf({ shadowDenials: [name, ...PER_REQUEST] }), account);
    expect(shadowDenialsOf(read, SCOPE)).toEqual([name, ...PER_REQUEST]);
  });
});
