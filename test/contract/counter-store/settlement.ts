import { describe, expect, it } from "vitest";
import { modelOf, nano } from "../../support/policy-words.js";
import type { Report } from "../../support/stage.js";
import type { StageOf } from "./stage-of.js";

const TOKENS = "roles.developer.tokens_per_day";
const USD = "roles.developer.usd_per_day";
const REQUESTS = "roles.developer.requests_per_day";
const IN_FLIGHT = "roles.developer.concurrent_requests";
const limits = { [REQUESTS]: 9, [TOKENS]: 100, [USD]: 1000, [IN_FLIGHT]: 9 };

/** Cases on settling what is open. */
export function settlement(stageOf: StageOf): void {
  describe("settling an open reservation", () => {
    it.each<[string, Omit<Report, "reservation">, string[], number]>([
      ["what was used", { usage: { inputTokens: 8, outputTokens: 3 } }, ["1+0", "11+0", "25+0", "0+0"], 25],
      ["nothing, where the usage is all zero", { usage: {} }, ["1+0", "0+0", "0+0", "0+0"], 0],
      [
        "what was used, where the call failed",
        { usage: { inputTokens: 8 }, outcome: "failed" },
        ["1+0", "8+0", "16+0", "0+0"],
        16,
      ],
      [
        "more than was reserved, whole",
        { usage: { inputTokens: 70, outputTokens: 60 } },
        ["1+0", "130+0", "320+0", "0+0"],
        320,
      ],
      [
        "cached tokens at their price, and whole as tokens",
        { usage: { inputTokens: 8, cachedInputTokens: 5 } },
        ["1+0", "8+0", "11+0", "0+0"],
        11,
      ],
      ["the estimate, without usage", { outcome: "succeeded" }, ["1+0", "15+0", "35+0", "0+0"], 35],
      [
        "the estimate, where it was cancelled without usage",
        { outcome: "cancelled" },
        ["1+0", "15+0", "35+0", "0+0"],
        35,
      ],
      ["the request only, where it failed without usage", { outcome: "failed" }, ["1+0", "0+0", "0+0", "0+0"], 0],
    ])("charges %s", async (_, report, counted, cost) => {
      const stage = await stageOf({ limits });
      const { grant } = await stage.admit({ input: 10, output: 5 });
      expect(Object.values(await stage.counted())).toEqual(["0+1", "0+15", "0+35", "0+1"]);
      const settled = await stage.record({ ...report, reservation: grant.reservationId });
      expect(settled).toMatchObject({
        kind: "settled",
        cost,
        already: false,
        unreserved: false,
        caller: { principal: "ann", role: "developer", workspace: "dev" },
        amounts: { cost },
        model: "small-1",
      });
      expect(Object.values(await stage.counted())).toEqual(counted);
    });

    it("says what amounts it charged", async () => {
      const stage = await stageOf({ limits });
      const { grant } = await stage.admit({ input: 10, output: 5 });
      const { amounts } = await stage.record({
        reservation: grant.reservationId,
        usage: { inputTokens: 8, cachedInputTokens: 5, outputTokens: 3 },
      });
      expect(amounts).toEqual({ inputTokens: 8, outputTokens: 3, cost: 20 });
    });

    it("with more than was reserved lets used pass the ceiling, and the next call is refused", async () => {
      const stage = await stageOf({ limits: { [TOKENS]: 20 } });
      const { grant } = await stage.admit({ input: 10 });
      await stage.admit({ input: 10 });
      await stage.record({ reservation: grant.reservationId, usage: { inputTokens: 25 } });
      expect(await stage.counted()).toEqual({ [TOKENS]: "25+10" });
      const { limits } = await stage.refuse({ input: 0 });
      expect(limits[TOKENS]).toMatchObject({ used: 25, reserved: 10, refuses: true });
    });

    it("with less than was reserved makes room at once", async () => {
      const stage = await stageOf({ limits: { [TOKENS]: 20 } });
      const { grant } = await stage.admit({ input: 20 });
      await stage.refuse({ input: 1 });
      await stage.record({ reservation: grant.reservationId, usage: { inputTokens: 12 } });
      await stage.admit({ input: 8 });
      await stage.refuse({ input: 1 });
    });

    it("moves all counters of all windows, and those of shared scopes", async () => {
      const windows = ["second", "minute", "hour", "day", "week", "month"];
      const names = windows.flatMap((window) => [
        `organization.tokens_per_${window}`,
        `workspaces.dev.usd_per_${window}`,
      ]);
      const stage = await stageOf({ limits: Object.fromEntries(names.map((name) => [name, 500])) });
      const { grant } = await stage.admit({ input: 10, as: "bob" });
      await stage.record({ reservation: grant.reservationId, as: "bob", usage: { inputTokens: 7 } });
      const counted = Object.entries(await stage.counted());
      expect(counted).toHaveLength(12);
      for (const [name, amounts] of counted)
        expect([name, amounts]).toEqual([name, name.includes("usd") ? "14+0" : "7+0"]);
    });

    it("takes pages, seconds and annotated pages at their prices", async () => {
      const ocr = modelOf("ocr-1", { endpoints: ["ocr"], rates: { page: nano(7), annotatedPage: nano(9) } });
      const voice = modelOf("voice-1", { endpoints: ["audio_transcriptions"], rates: { audioSecond: nano(200, 3) } });
      const stage = await stageOf({ limits: { [USD]: 1000 }, models: [ocr, voice] });
      const read = await stage.admit({ model: "ocr-1", input: 0, pages: 4 });
      const heard = await stage.admit({ model: "voice-1", input: 0, audioSeconds: 1 });
      expect([read.grant.cost, heard.grant.cost]).toEqual([28, 67]);
      expect(
        await stage.record({ reservation: read.grant.reservationId, usage: { pages: 3, annotatedPages: true } }),
      ).toMatchObject({ cost: 27 });
      expect(await stage.record({ reservation: heard.grant.reservationId, usage: { audioSeconds: 3 } })).toMatchObject({
        cost: 200,
      });
      expect(await stage.counted()).toEqual({ [USD]: "227+0" });
    });

    it("a second time changes nothing and tells the first cost, whatever it reports", async () => {
      const stage = await stageOf({ limits });
      const { grant } = await stage.admit({ input: 10 });
      await stage.record({ reservation: grant.reservationId, usage: { inputTokens: 4 } });
      const counted = await stage.counted();
      for (const report of [
        { usage: { inputTokens: 4 } },
        { usage: { inputTokens: 90 } },
        { outcome: "failed" },
      ] as const) {
        expect(await stage.record({ ...report, reservation: grant.reservationId })).toMatchObject({
          cost: 8,
          already: true,
          unreserved: false,
        });
      }
      expect(await stage.counted()).toEqual(counted);
    });

    it("many times at once charges once", async () => {
      const stage = await stageOf({ limits });
      const { grant } = await stage.admit({ input: 10 });
      const results = await Promise.all(
        Array.from({ length: 10 }, () => stage.record({ reservation: grant.reservationId, usage: { inputTokens: 4 } })),
      );
      expect(results.filter(({ already }) => !already)).toHaveLength(1);
      expect(new Set(results.map(({ cost }) => cost))).toEqual(new Set([8]));
      expect(Object.values(await stage.counted())).toEqual(["1+0", "4+0", "8+0", "0+0"]);
    });

    it("is remembered for 10 minutes after, and then unknown", async () => {
      const stage = await stageOf({ limits });
      const { grant } = await stage.admit({ input: 10, id: "job-1" });
      await stage.record({ reservation: grant.reservationId });
      stage.clock.advance(599_999);
      expect(await stage.record({ reservation: grant.reservationId })).toMatchObject({ already: true });
      expect(await stage.record({ request: "job-1" })).toMatchObject({ already: true });
      stage.clock.advance(1);
      expect(await stage.settle({ reservation: grant.reservationId })).toEqual({ kind: "unknown" });
      expect(await stage.settle({ request: "job-1" })).toEqual({ kind: "unknown" });
    });

    it("by its request_id works as by its own, open and closed", async () => {
      const stage = await stageOf({ limits });
      await stage.admit({ input: 10, id: "job-1" });
      const unnamed = await stage.admit({ input: 10 });
      expect(await stage.record({ request: "job-1", usage: { inputTokens: 4 } })).toMatchObject({
        cost: 8,
        already: false,
      });
      expect(await stage.record({ request: "job-1", usage: { inputTokens: 9 } })).toMatchObject({
        cost: 8,
        already: true,
      });
      expect(await stage.record({ request: unnamed.grant.requestId, usage: {} })).toMatchObject({ already: false });
      expect(await stage.settle({ request: "job-2" })).toEqual({ kind: "unknown" });
      expect(Object.values(await stage.counted())).toEqual(["2+0", "4+0", "8+0", "0+0"]);
    });

    it("is nobody's but the principal's who reserved", async () => {
      const stage = await stageOf({ limits, workspaces: { dev: {}, prod: {} } });
      const { grant } = await stage.admit({ input: 10 });
      const strangers = [
        { principal: "bob", workspace: undefined },
        { principal: "bob", workspace: "dev" },
        { principal: "ann", workspace: "prod" },
        { principal: undefined, workspace: "prod" },
        { principal: "an", workspace: undefined },
        { principal: "ann", role: "analyst" },
      ];
      for (const claimant of strangers) {
        expect(await stage.settle({ reservation: grant.reservationId, claimant, usage: {} })).toEqual({
          kind: "foreign",
        });
      }
      expect(Object.values(await stage.counted())).toEqual(["0+1", "0+10", "0+20", "0+1"]);
      const anyone = {};
      expect(await stage.record({ reservation: grant.reservationId, claimant: anyone })).toMatchObject({
        already: false,
      });
      expect(await stage.settle({ reservation: grant.reservationId, claimant: strangers[0] })).toEqual({
        kind: "foreign",
      });
    });

    it("that costs more than can be counted changes nothing", async () => {
      const stage = await stageOf({ limits });
      const { grant } = await stage.admit({ input: 10 });
      const usage = { inputTokens: Number.MAX_SAFE_INTEGER };
      expect(await stage.settle({ reservation: grant.reservationId, usage })).toEqual({ kind: "uncountable" });
      expect(Object.values(await stage.counted())).toEqual(["0+1", "0+10", "0+20", "0+1"]);
      expect(await stage.record({ reservation: grant.reservationId, usage: { inputTokens: 1 } })).toMatchObject({
        cost: 2,
        already: false,
      });
    });
  });
}
