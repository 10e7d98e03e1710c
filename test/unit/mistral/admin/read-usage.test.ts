import { describe, expect, it } from "vitest";
import { readSpendLimit, readUsage } from "../../../../src/mistral/admin/read-usage.js";
import { priceOf, usageAnswer } from "../../../support/mistral/usage-answer.js";

const SMALL = "mistral-small-2603";
const IN = priceOf(SMALL, "input", "0.0000001");
const OUT = priceOf(SMALL, "output", 3e-7);

describe("a month's usage", () => {
  it("costs what is paid of it, by prices that are numbers or texts", () => {
    const used = [{ used: 2_000_000 }, { used: 1_000_000, paid: 500_000 }, { group: "output", used: 1_000_000 }];
    expect(readUsage(usageAnswer(used, [IN, OUT]))).toEqual({
      currency: "USD",
      cost: 250_000_000 + 300_000_000,
      tokens: 4_000_000,
      costElsewhere: 0,
      unpriced: [],
    });
  });

  it("is apart from what Windbreak does not decide, by what is counted and else by category", () => {
    const prices = [IN, priceOf("search", "calls", 0.03, { event_type: "api_connectors" })];
    const used = [
      { category: "connectors", model: "search", group: "calls", used: 10 },
      { category: "chat", used: 1_000_000 },
      { category: "chat", event: "api_tokens", used: 1_000_000 },
      { category: "completion", event: "vibe_tokens", used: 5 },
    ] as const;
    const bill = readUsage(usageAnswer(used, prices));
    expect(bill).toMatchObject({ cost: 100_000_000, tokens: 1_000_000, costElsewhere: 400_000_000 });
  });

  it("takes the price of its event, zone and tier before any other", () => {
    const prices = [
      priceOf(SMALL, "input", 9, { event_type: "api_audio_seconds" }),
      priceOf(SMALL, "input", 7, { service_tier: "priority" }),
      priceOf(SMALL, "input", 5, { api_zone: "us" }),
      IN,
    ];
    expect(readUsage(usageAnswer([{ used: 10 }], prices))?.cost).toBe(1_000);
    expect(readUsage(usageAnswer([{ used: 10 }], prices.slice(0, 3)))?.cost).toBe(70e9);
    expect(readUsage(usageAnswer([{ used: 10 }], prices.slice(0, 1)))).toMatchObject({
      cost: 0,
      unpriced: [`${SMALL} input`],
    });
  });

  it("counts pages and seconds in money, not as tokens", () => {
    const prices = [priceOf("ocr-3", "pages", 0.002, { event_type: "api_pages" })];
    const used = [{ category: "ocr", model: "ocr-3", group: "pages", used: 100 }] as const;
    expect(readUsage(usageAnswer(used, prices))).toMatchObject({ cost: 200_000_000, tokens: 0 });
  });

  it("is told by the path to an amount where the amount does not say what it is", () => {
    const answer = { completion: { models: { [`x::${SMALL}`]: { input: [{ value: 1_000_000 }] } } }, prices: [IN] };
    expect(readUsage(answer)).toMatchObject({ cost: 100_000_000, currency: undefined });
  });

  it.each<[string, unknown]>([
    ["text", "no"],
    ["a list", []],
    ["nothing of it", { detail: "x" }],
    ["null", null],
  ])("is none where the answer is %s", (_, body) => {
    expect(readUsage(body)).toBeUndefined();
  });

  it("stays exact or at the most that a number holds exactly", () => {
    const bill = readUsage(usageAnswer([{ used: 1e300 }, { used: 1e300 }], [priceOf(SMALL, "input", 1e300)]));
    expect([bill?.cost, bill?.tokens]).toEqual([Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]);
    expect(readUsage(usageAnswer([{ used: -5 }], [IN]))?.tokens).toBe(0);
  });

  it.each<[string, object]>([
    ["no prices", usageAnswer([{ used: 5 }], null)],
    ["prices that are none", usageAnswer([{ used: 5 }], [{ price: "x" }, { ...IN, price: "" }])],
    ["amounts that are none", { completion: { models: { a: { input: [{ value: "x" }, 7, null] }, b: null } } }],
    ["categories of other kinds", { completion: { models: {} }, ocr: 7, chat: null, audio: [1], fine_tuning: "x" }],
  ])("of %s costs nothing", (_, body) => {
    expect(readUsage(body)?.cost).toBe(0);
  });
});

describe("a spend limit", () => {
  it("is read with what was used of it", () => {
    const completion = { usage: 10, total_usage: 12.5, usage_limit: 50, monthly_limit_reached: false };
    const limits = { completion, currency: "usd", last_payment_failure: null };
    expect(readSpendLimit({ limits })).toEqual({ currency: "USD", used: 12.5, limit: 50, isReached: false });
    const without = { limits: { ...limits, completion: { ...completion, no_monthly_limit: true } } };
    expect(readSpendLimit(without)?.limit).toBeUndefined();
  });

  it("is none where the answer is another", () => {
    expect([null, {}, { limits: {} }, "x"].map(readSpendLimit)).toEqual(Array.from({ length: 4 }));
  });
});
