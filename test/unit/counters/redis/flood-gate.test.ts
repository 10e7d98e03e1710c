import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ReserveResult } from "../../../../src/app/ports.js";
import { CEILING, type FloodStage, floodOf } from "./flood.js";

/** Let what has been said be heard, and what is told in turns be told. */
async function heard(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await new Promise((done) => setImmediate(done));
}

async function answerNext(stage: FloodStage): Promise<void> {
  stage.carryOutNext();
  stage.tellNext();
  await heard();
}

/** Notes what each call was told, by its place, as it is told. */
function noted(calls: readonly Promise<ReserveResult>[]) {
  const kinds: (string | undefined)[] = calls.map(() => undefined);
  for (const [nth, call] of calls.entries()) void call.then(({ kind }) => (kinds[nth] = kind));
  return kinds;
}

/** A caller that has reserved all it may, in ones, and was refused. */
async function full(timeoutMs?: number) {
  const stage = floodOf(timeoutMs);
  for (let nth = 0; nth <= CEILING; nth++) {
    const asked = stage.call();
    await answerNext(stage);
    expect((await asked).kind).toBe(nth < CEILING ? "admitted" : "refused");
  }
  return stage;
}

const times = (count: number, stage: FloodStage) => Array.from({ length: count }, () => stage.call());

describe("a caller that was not refused", () => {
  it("is not held, however many of its calls are under way", () => {
    const stage = floodOf();
    void times(5, stage);
    expect(stage.sent()).toHaveLength(5);
  });
});

describe("a caller that was refused", () => {
  it("asks at once where no other call of it is under way", async () => {
    const stage = await full();
    void stage.call();
    expect(stage.sent()).toHaveLength(1);
  });

  it("has one question under way, and its refusal is that of all who came before it was asked", async () => {
    const stage = await full();
    const kinds = noted(times(40, stage));
    expect(stage.sent()).toHaveLength(1);
    await answerNext(stage);
    // They came after the first was asked, so the next one speaks for them.
    expect(kinds.filter(Boolean)).toEqual(["refused"]);
    expect(stage.sent()).toHaveLength(1);
    await answerNext(stage);
    expect(kinds).toEqual(Array.from({ length: 40 }, () => "refused"));
    expect([stage.gate.answered, stage.sent().length]).toEqual([38, 0]);
  });

  it("is refused with what the store said, whole", async () => {
    const stage = await full();
    const [first, second, third] = times(3, stage);
    await answerNext(stage);
    await answerNext(stage);
    expect(await third).toMatchObject({ readings: [{ used: 0, reserved: CEILING, refuses: true }] });
    expect(await third).toEqual(await second);
    expect(await first).toEqual(await second);
  });

  it("is admitted by the first call after a reservation was given back", async () => {
    const stage = await full();
    stage.releaseOne();
    const call = stage.call();
    await answerNext(stage);
    expect((await call).kind).toBe("admitted");
  });

  it("is judged anew after a refusal that the store gave before it came", async () => {
    const stage = await full();
    void stage.call();
    stage.carryOutNext();
    stage.releaseOne();
    const late = stage.call();
    stage.tellNext();
    await heard();
    await answerNext(stage);
    expect((await late).kind).toBe("admitted");
  });

  it("asks for a smaller call that the same cells would admit", async () => {
    const stage = await full();
    for (let nth = 0; nth < 3; nth++) stage.releaseOne();
    const calls = [
      stage.call({ input: 4 }),
      stage.call({ input: 5 }),
      stage.call({ input: 3 }),
      stage.call({ input: 4 }),
    ];
    const kinds = noted(calls);
    await answerNext(stage);
    await answerNext(stage);
    expect(kinds).toEqual(["refused", "refused", undefined, "refused"]);
    await answerNext(stage);
    expect(kinds[2]).toBe("admitted");
  });

  it("lets out more with each admission, and holds nobody once none waits", async () => {
    const stage = await full();
    for (let nth = 0; nth < CEILING; nth++) stage.releaseOne();
    const kinds = noted(times(9, stage));
    const under: number[] = [];
    while (!stage.isIdle()) {
      under.push(stage.sent().length);
      await answerNext(stage);
    }
    expect(under.slice(0, 3)).toEqual([1, 4, 7]);
    expect(kinds).toEqual(Array.from({ length: 9 }, () => "admitted"));
    void times(2, stage);
    expect(stage.sent()).toHaveLength(2);
  });

  it("costs a few questions for each admission, however many wait", async () => {
    const stage = await full();
    const before = stage.questions();
    stage.releaseOne();
    const calls = times(500, stage);
    while (!stage.isIdle()) await answerNext(stage);
    const kinds = (await Promise.all(calls)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === "admitted")).toHaveLength(1);
    expect(kinds.filter((kind) => kind === "refused")).toHaveLength(499);
    expect(stage.questions() - before).toBeLessThanOrEqual(6);
    void times(40, stage);
    expect(stage.sent()).toHaveLength(1);
  });

  it("is refused with a request_id too, where the store says that it does not remember it", async () => {
    const stage = await full();
    stage.releaseOne();
    const first = stage.call({ id: "r-1" });
    await answerNext(stage);
    expect((await first).kind).toBe("admitted");
    const refused = stage.call();
    await answerNext(stage);
    expect((await refused).kind).toBe("refused");

    const kinds = noted(["r-0", "r-1", "r-2", ""].map((id) => stage.call({ id })));
    void stage.call({ id: "r-1", dryRun: true });
    await answerNext(stage);
    expect(stage.sent().map(({ ask, turn }) => [ask.id, turn?.named])).toEqual([["r-1", ["r-2"]]]);
    await answerNext(stage);
    expect(kinds).toEqual(["refused", "admitted", undefined, undefined]);
    while (!stage.isIdle()) await answerNext(stage);
    expect(kinds).toEqual(["refused", "admitted", "refused", "refused"]);
  });

  it("gets its first answer for a request_id that was admitted while it waited", async () => {
    const stage = await full();
    const kinds = noted(["", "", "r-1", "r-2"].map((id) => stage.call({ id })));
    await answerNext(stage);
    stage.remember("r-1");
    await answerNext(stage);
    expect(kinds).toEqual(["refused", "refused", undefined, "refused"]);
    await answerNext(stage);
    expect(kinds[2]).toBe("admitted");
  });

  it("tells a question of 64 request_ids at the most, and nobody is refused whom it was not told of", async () => {
    const stage = await full();
    const calls = Array.from({ length: 100 }, (_, nth) => stage.call({ id: `r-${nth}` }));
    const kinds = noted(calls);
    await answerNext(stage);
    expect(stage.sent().map(({ turn }) => turn?.named.length)).toEqual([64]);
    await answerNext(stage);
    expect(kinds.filter((kind) => kind === "refused")).toHaveLength(66);
    await answerNext(stage);
    expect(kinds.filter((kind) => kind === "refused")).toHaveLength(100);
  });

  it("holds nobody once the store is away", async () => {
    const stage = await full();
    const kinds = noted(times(4, stage));
    stage.failNext();
    await heard();
    expect([kinds[0], stage.sent().length]).toEqual(["away", 3]);
  });

  it("does not hold those of another account", async () => {
    const stage = await full();
    const other = floodOf();
    expect(stage.gate.holds(stage.account)).toBe(true);
    expect(stage.gate.holds(other.account)).toBe(false);
  });
});

describe("while the store is slow", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("nobody is held for longer than a quarter of the store's timeout, and what was waited is told", async () => {
    const stage = await full(40);
    void times(3, stage);
    await vi.advanceTimersByTimeAsync(4);
    void stage.call();
    await vi.advanceTimersByTimeAsync(5);
    expect(stage.sent().map(({ turn }) => turn?.waitedMs)).toEqual([0]);
    await vi.advanceTimersByTimeAsync(1);
    expect(stage.sent().map(({ turn }) => turn?.waitedMs)).toEqual([0, 10, 10]);
    await vi.advanceTimersByTimeAsync(4);
    expect(stage.sent().map(({ turn }) => turn?.waitedMs)).toEqual([0, 10, 10, 10]);
  });

  it("no timer is left once nobody waits", async () => {
    const stage = await full(40);
    void times(3, stage);
    await answerNext(stage);
    await answerNext(stage);
    await vi.advanceTimersByTimeAsync(10);
    expect(vi.getTimerCount()).toBe(0);
  });
});

type Step = { readonly come: number; readonly id: string } | { readonly release: number } | "carry out" | "tell";

const ID = fc.constantFrom("", "", "", "", "", "", "r-1", "r-2");
const STEP: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ come: fc.integer({ min: 1, max: 6 }), id: ID }) },
  { weight: 2, arbitrary: fc.nat({ max: 9 }).map((release) => ({ release })) },
  { weight: 3, arbitrary: fc.constant<Step>("carry out") },
  { weight: 3, arbitrary: fc.constant<Step>("tell") },
);

describe("whatever comes, is given back, carried out and told in whatever order", () => {
  it("a call is refused only where its limit refused it at an instant while it was under way", async () => {
    let refusals = 0;
    let shared = 0;
    const property = fc.asyncProperty(fc.array(STEP, { minLength: 20, maxLength: 120 }), async (steps) => {
      const stage = floodOf();
      const history: { readonly reserved: number; readonly remembered: ReadonlySet<string> }[] = [];
      const calls: Promise<void>[] = [];
      const take = (step: Step) => {
        if (step === "carry out") stage.carryOutNext();
        else if (step === "tell") stage.tellNext();
        else if ("release" in step) stage.releaseOne(step.release);
        else calls.push(follow(step));
        history.push({ reserved: stage.reserved(), remembered: stage.remembered() });
        expect(stage.reserved()).toBeLessThanOrEqual(CEILING);
      };
      const follow = async ({ come: input, id }: { readonly come: number; readonly id: string }) => {
        const from = Math.max(0, history.length - 1);
        const { kind } = await stage.call({ input, id });
        expect(["admitted", "refused"]).toContain(kind);
        if (kind !== "refused") return;
        refusals++;
        const isTrueOf = (at: (typeof history)[number]) => at.reserved + input > CEILING && !at.remembered.has(id);
        expect(history.slice(from).some(isTrueOf)).toBe(true);
      };
      for (const step of steps) {
        take(step);
        await heard();
      }
      while (!stage.isIdle()) {
        take("carry out");
        take("tell");
        await heard();
      }
      await Promise.all(calls);
      shared += stage.gate.answered;
    });
    await fc.assert(property, { seed: 1, numRuns: 400 });
    // Else the law would say little.
    expect(refusals).toBeGreaterThan(1_000);
    expect(shared).toBeGreaterThan(200);
  });
});
