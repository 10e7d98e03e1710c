import { describe, expect, it } from "vitest";
import { modelOf, nano, SMALL } from "../../support/policy-words.js";
import type { Ask } from "../../support/stage.js";
import type { StageOf } from "./stage-of.js";

const NAME = "organization.tokens_per_month";
const limits = { [NAME]: 1000 };
const MEMORY_MS = 600_000;

const RATES = {
  inputToken: nano(2),
  outputToken: nano(3),
  page: nano(7),
  annotatedPage: nano(9),
  audioSecond: nano(5),
};
const models = [
  SMALL,
  modelOf("large-1", {
    rates: RATES,
    endpoints: ["chat_completions", "fim_completions", "embeddings", "ocr", "audio_transcriptions"],
  }),
];

/** Cases on idempotency. */
export function requestIds(stageOf: StageOf): void {
  describe("a request_id", () => {
    it("that comes again with the same content while open gets the same answer, and nothing is reserved twice", async () => {
      const stage = await stageOf({ limits });
      const first = await stage.admit({ id: "job-1", input: 4, output: 2 });
      expect(first.grant).toMatchObject({
        requestId: "job-1",
        model: "small-1",
        outputTokens: 2,
        cost: 14,
        policyRevision: "r1",
      });
      stage.clock.moveTo(first.grant.expiresAt - 1);
      expect((await stage.admit({ id: "job-1", input: 4, output: 2 })).grant).toEqual(first.grant);
      expect(await stage.counted()).toEqual({ [NAME]: "0+6" });
      expect(await stage.open()).toHaveLength(1);
    });

    it("gets the same answer though many come at once, and though the ceiling would not let another through", async () => {
      const stage = await stageOf({ limits: { [NAME]: 6 } });
      const results = await Promise.all(Array.from({ length: 20 }, () => stage.admit({ id: "job-1", input: 6 })));
      expect(new Set(results.map(({ grant }) => grant.reservationId)).size).toBe(1);
      expect(await stage.counted()).toEqual({ [NAME]: "0+6" });
    });

    it("is answered as at first after a reload, by another name of its model, and with fresh readings", async () => {
      const stage = await stageOf({ limits });
      const first = await stage.admit({ id: "job-1", input: 4, model: "small" });
      stage.reload({ limits, revision: "r2", workspaces: { dev: { reservationTtlMs: 60_000 } } });
      await stage.admit({ input: 5 });
      const again = await stage.admit({ id: "job-1", input: 4, model: "small-1", readAll: true });
      expect(again.grant).toEqual(first.grant);
      expect(again.readings).toMatchObject([{ used: 0, reserved: 9, refuses: false }]);
    });

    it("is answered as at first where its model's name has come to mean another model", async () => {
      const stage = await stageOf({ limits });
      const first = await stage.admit({ id: "job-1", input: 4, model: "small" });
      const moved = modelOf("small-2", { names: ["small-2", "small"], rates: RATES });
      stage.reload({ limits, models: [modelOf("small-1", { rates: RATES }), moved] });
      expect((await stage.admit({ id: "job-1", input: 4, model: "small" })).grant).toEqual(first.grant);
      expect((await stage.admit({ id: "job-1", input: 4, model: "small-1" })).grant).toEqual(first.grant);
      expect(await stage.reserve({ id: "job-1", input: 4, model: "small-2" })).toMatchObject({ kind: "conflict" });
      expect((await stage.admit({ input: 4, model: "small" })).grant.model).toBe("small-2");
    });

    it("that the server made works as a name too", async () => {
      const stage = await stageOf({ limits });
      const first = await stage.admit({ input: 4 });
      expect(first.grant.requestId).toMatch(/^[!#-[\]-z|~]{1,128}$/);
      expect((await stage.admit({ id: first.grant.requestId, input: 4 })).grant).toEqual(first.grant);
      expect(await stage.reserve({ id: first.grant.requestId, input: 5 })).toMatchObject({ kind: "conflict" });
      expect(await stage.counted()).toEqual({ [NAME]: "0+4" });
    });

    const base: Ask = { model: "large-1", input: 4, output: 2, pages: 3, audioSeconds: 5 };
    it.each<[string, Ask]>([
      ["another model", { ...base, model: "small" }],
      ["another endpoint", { ...base, endpoint: "fim_completions" }],
      ["more input", { ...base, input: 5 }],
      ["less output", { ...base, output: 1 }],
      ["no output named, though the cap is the same", { ...base, capUnset: true }],
      ["other pages", { ...base, pages: 4 }],
      ["other seconds", { ...base, audioSeconds: 6 }],
      ["annotated pages", { ...base, annotatedPages: true }],
    ])("with %s is a conflict, and nothing is reserved", async (_, other) => {
      const stage = await stageOf({ limits, models });
      const first = await stage.admit({ ...base, id: "job-1" });
      expect(await stage.reserve({ ...other, id: "job-1" })).toEqual({
        kind: "conflict",
        message: expect.stringContaining("job-1"),
      });
      expect(await stage.open()).toHaveLength(1);
      expect(await stage.counted()).toEqual({ [NAME]: "0+6" });
      expect((await stage.admit({ ...base, id: "job-1" })).grant).toEqual(first.grant);
      const reverse = await stage.admit({ ...other, id: "job-2" });
      expect((await stage.admit({ ...other, id: "job-2" })).grant).toEqual(reverse.grant);
      expect(await stage.reserve({ ...base, id: "job-2" })).toMatchObject({ kind: "conflict" });
    });

    it("without a cap of its own is the same without one again, and another with the cap that it got", async () => {
      const stage = await stageOf({ limits });
      const first = await stage.admit({ id: "job-1", output: 7, capUnset: true });
      expect((await stage.admit({ id: "job-1", output: 7, capUnset: true })).grant).toEqual(first.grant);
      expect(await stage.reserve({ id: "job-1", output: 7 })).toMatchObject({ kind: "conflict" });
    });

    it.each([
      ["settled", async (stage, id) => void (await stage.record({ reservation: id }))],
      ["released", async (stage, id) => void (await stage.release(id))],
      ["expired", async (stage) => stage.clock.advance(900_000)],
    ] satisfies [string, Close][])("is a conflict once %s, and is judged anew 10 minutes later", async (_, close) => {
      const stage = await stageOf({ limits });
      const first = await stage.admit({ id: "job-1", input: 4 });
      await close(stage, first.grant.reservationId);
      const closed = stage.clock.now();
      expect(await stage.reserve({ id: "job-1", input: 4 })).toEqual({
        kind: "conflict",
        message: expect.stringContaining("job-1"),
      });
      stage.clock.moveTo(closed + MEMORY_MS - 1);
      expect(await stage.reserve({ id: "job-1", input: 4 })).toMatchObject({ kind: "conflict" });
      stage.clock.moveTo(closed + MEMORY_MS);
      const second = await stage.admit({ id: "job-1", input: 4 });
      expect(second.grant.reservationId).not.toBe(first.grant.reservationId);
      expect((await stage.admit({ id: "job-1", input: 4 })).grant).toEqual(second.grant);
    });

    it("used anew keeps its new meaning when the old reservation is dropped, however late that is", async () => {
      const stage = await stageOf({ limits });
      for (let i = 0; i < 40; i++) await stage.record({ reservation: (await stage.admit()).grant.reservationId });
      const first = await stage.admit({ id: "job-1" });
      await stage.record({ reservation: first.grant.reservationId });
      stage.clock.advance(MEMORY_MS);
      const second = await stage.admit({ id: "job-1" });
      for (let i = 0; i < 40; i++) await stage.admit();
      expect((await stage.admit({ id: "job-1" })).grant).toEqual(second.grant);
      expect(await stage.settle({ reservation: first.grant.reservationId })).toEqual({ kind: "unknown" });
    });

    it("that was denied is judged again", async () => {
      const stage = await stageOf({ limits: { [NAME]: 5 } });
      const blocking = await stage.admit({ input: 5 });
      await stage.refuse({ id: "job-1", input: 1 });
      await stage.release(blocking.grant.reservationId);
      await stage.admit({ id: "job-1", input: 2 });
    });

    it("is one per workspace and principal, whatever the role", async () => {
      const stage = await stageOf({ limits, roles: { analyst: {} }, workspaces: { dev: {}, prod: {} } });
      const first = await stage.admit({ id: "job-1" });
      const other = await stage.admit({ id: "job-1", as: "bob" });
      const elsewhere = await stage.admit({ id: "job-1", workspace: "prod" });
      expect(new Set([first, other, elsewhere].map(({ grant }) => grant.reservationId)).size).toBe(3);
      expect((await stage.admit({ id: "job-1", role: "analyst" })).grant).toEqual(first.grant);
    });

    it("of the server's making is nothing to another principal, nor in another workspace", async () => {
      const stage = await stageOf({ limits, workspaces: { dev: {}, prod: {} } });
      const { grant } = await stage.admit({ input: 4 });
      const other = await stage.admit({ id: grant.requestId, input: 4, as: "bob" });
      expect(other.grant.reservationId).not.toBe(grant.reservationId);
      const settled = await stage.settle({ request: grant.requestId, as: "bob" });
      expect(settled).toMatchObject({ kind: "settled", caller: { principal: "bob" } });
      expect(await stage.settle({ request: grant.requestId, as: "eve" })).toEqual({ kind: "unknown" });
      expect(await stage.settle({ request: grant.requestId, workspace: "prod" })).toEqual({ kind: "unknown" });
      expect(await stage.counted()).toEqual({ [NAME]: "4+4" });
    });

    it("that a caller chose hides the one that the server would have made", async () => {
      const stage = await stageOf({ limits });
      const { grant } = await stage.admit({ input: 4 });
      const chosen = await stage.admit({ id: "job-1", input: 4 });
      const prefix = chosen.grant.reservationId.slice(0, grant.requestId.length);
      expect(await stage.settle({ request: prefix })).toEqual({ kind: "unknown" });
      expect((await stage.admit({ id: prefix, input: 1 })).grant.reservationId).not.toBe(chosen.grant.reservationId);
    });

    it("that looks like another's is another one", async () => {
      const stage = await stageOf({ limits, workspaces: { dev: {}, "dev-2": {} } });
      const { grant } = await stage.admit({ id: "job-1", input: 4 });
      const made = await stage.admit({ input: 4 });
      const alike = [
        "job-10",
        "job-",
        "JOB-1",
        "ann-job-1",
        made.grant.requestId.slice(0, -1),
        `${made.grant.requestId}A`,
      ];
      for (const id of [...alike, grant.reservationId, made.grant.reservationId]) {
        const other = await stage.admit({ id, input: 1 });
        expect([grant.reservationId, made.grant.reservationId]).not.toContain(other.grant.reservationId);
      }
      expect(await stage.settle({ request: "nn job-1", as: "a" })).toEqual({ kind: "unknown" });
      expect(await stage.settle({ request: "job-1", workspace: "dev-2" })).toEqual({ kind: "unknown" });
    });
  });

  describe("a dry run", () => {
    it("answers as the counters stand and changes nothing", async () => {
      const stage = await stageOf({ limits: { [NAME]: 5 } });
      expect(await stage.reserve({ input: 5, dryRun: true })).toEqual({
        kind: "would_admit",
        shadowDenials: [],
        readings: undefined,
      });
      await stage.admit({ input: 3 });
      expect(await stage.reserve({ input: 3, dryRun: true })).toMatchObject({
        kind: "refused",
        readings: [{ used: 0, reserved: 3, refuses: true, freesAt: Date.parse("2026-04-01T00:00:00Z") }],
      });
      expect(await stage.reserve({ input: 2, dryRun: true, readAll: true })).toMatchObject({
        kind: "would_admit",
        readings: [{ used: 0, reserved: 3, refuses: false }],
      });
      expect(await stage.counted()).toEqual({ [NAME]: "0+3" });
      expect(await stage.open()).toHaveLength(1);
    });

    it("neither reads nor writes the memory of request_ids", async () => {
      const stage = await stageOf({ limits });
      expect(await stage.reserve({ id: "job-1", input: 4, dryRun: true })).toMatchObject({ kind: "would_admit" });
      await stage.admit({ id: "job-1", input: 5 });
      expect(await stage.reserve({ id: "job-1", input: 4, dryRun: true })).toMatchObject({ kind: "would_admit" });
      const { grant } = await stage.admit({ id: "job-1", input: 5 });
      await stage.record({ reservation: grant.reservationId });
      expect(await stage.reserve({ id: "job-1", input: 5, dryRun: true })).toMatchObject({ kind: "would_admit" });
    });
  });

  describe("a reservation_id", () => {
    it("is another one each time, and at most 512 characters", async () => {
      const stage = await stageOf({ limits });
      const grants = await Promise.all(Array.from({ length: 50 }, () => stage.admit()));
      expect(new Set(grants.map(({ grant }) => grant.reservationId)).size).toBe(50);
      expect(new Set(grants.map(({ grant }) => grant.requestId)).size).toBe(50);
      for (const { grant } of grants) {
        expect(grant.reservationId).toMatch(/^[!-~]{1,512}$/);
        expect(grant.reservationId).not.toBe(grant.requestId);
      }
    });

    it("that looks like another's, or like nothing, names none", async () => {
      const stage = await stageOf({ limits });
      const { grant } = await stage.admit({ input: 4 });
      const { reservationId: id } = grant;
      const flip = (at: number) => `${id.slice(0, at)}${id[at] === "A" ? "B" : "A"}${id.slice(at + 1)}`;
      const hostile = [
        ...Array.from(id, (_, at) => flip(at)),
        id.slice(1),
        id.slice(0, -1),
        `${id}A`,
        ` ${id}`,
        grant.requestId,
      ];
      for (const name of [...hostile, "", "A", "x".repeat(512), "__proto__", "\u0000", "é".repeat(26)]) {
        expect(await stage.settle({ reservation: name })).toEqual({ kind: "unknown" });
        expect(await stage.release(name)).toEqual({ kind: "not_open" });
      }
      expect(await stage.counted()).toEqual({ [NAME]: "0+4" });
    });

    it.each([60_000, 900_000, 1_000, 3_600_000])(
      "ends between 1 and 1.5 ttl later, at a multiple of half a ttl of %i ms",
      async (ttl) => {
        const stage = await stageOf({ limits, workspaces: { dev: { reservationTtlMs: ttl } } });
        const start = stage.clock.now();
        for (const offset of [0, 1, ttl / 2 - 1, ttl / 2, ttl / 2 + 1]) {
          stage.clock.moveTo(start + offset);
          const { grant } = await stage.admit();
          expect(grant.expiresAt % (ttl / 2)).toBe(0);
          expect(grant.expiresAt - stage.clock.now()).toBeGreaterThanOrEqual(ttl);
          expect(grant.expiresAt - stage.clock.now()).toBeLessThan(1.5 * ttl);
        }
      },
    );
  });
}

type Close = (stage: Awaited<ReturnType<StageOf>>, reservationId: string) => Promise<void>;
