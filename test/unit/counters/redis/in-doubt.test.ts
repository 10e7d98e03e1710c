import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { InDoubt, type InDoubtOptions } from "../../../../src/counters/redis/in-doubt.js";

type Said = Awaited<ReturnType<InDoubtOptions["giveBack"]>>;

/** What the store says to each try of each reservation, the last word again for every later try. */
function inDoubtWith(answers: Readonly<Record<string, readonly Said[]>>) {
  const tried: string[] = [];
  const store = { isUp: true };
  const inDoubt = new InDoubt({
    isUp: () => store.isUp,
    giveBack: async (id) => {
      const nth = tried.filter((one) => one === id).length;
      tried.push(id);
      return answers[id]?.[nth] ?? answers[id]?.at(-1) ?? "away";
    },
  });
  return { inDoubt, tried, store };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("reservations in doubt", () => {
  it("wait until the store is there, and are given back within a second once it is", async () => {
    const { inDoubt, tried, store } = inDoubtWith({ a: ["released"], b: ["released"] });
    store.isUp = false;
    inDoubt.add("a");
    inDoubt.add("b");
    await vi.advanceTimersByTimeAsync(60_000);
    expect([inDoubt.size, tried]).toEqual([2, []]);
    store.isUp = true;
    await vi.advanceTimersByTimeAsync(1_000);
    expect([inDoubt.size, tried]).toEqual([0, ["a", "b"]]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(tried).toEqual(["a", "b"]);
  });

  it("are tried again after 2 and 10 seconds where the store knew none: its command may still have been on its way", async () => {
    const { inDoubt, tried } = inDoubtWith({ a: ["not_open"] });
    inDoubt.add("a");
    const counts: number[] = [];
    for (const ms of [1_000, 1_000, 1_000, 7_000, 1_000, 60_000]) {
      await vi.advanceTimersByTimeAsync(ms);
      counts.push(tried.length);
    }
    expect(counts).toEqual([1, 1, 2, 2, 3, 3]);
    expect(inDoubt.size).toBe(0);
  });

  it("are given back by a later try where they came late", async () => {
    const { inDoubt, tried } = inDoubtWith({ a: ["not_open", "released"] });
    inDoubt.add("a");
    await vi.advanceTimersByTimeAsync(60_000);
    expect([inDoubt.size, tried]).toEqual([0, ["a", "a"]]);
  });

  it("stay where the store did not answer, and are tried until it does", async () => {
    const { inDoubt, tried } = inDoubtWith({ a: ["away", "away", "released"] });
    inDoubt.add("a");
    await vi.advanceTimersByTimeAsync(400);
    expect([inDoubt.size, tried]).toEqual([1, ["a"]]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect([inDoubt.size, tried]).toEqual([0, ["a", "a", "a"]]);
  });

  it("are there once, however often they are added", async () => {
    const { inDoubt, tried } = inDoubtWith({ a: ["released"] });
    inDoubt.add("a");
    inDoubt.add("a");
    expect(inDoubt.size).toBe(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(tried).toEqual(["a"]);
  });

  it("are bounded, and those that there is no room for are counted", () => {
    const { inDoubt } = inDoubtWith({});
    for (let nth = 0; nth < 20_003; nth++) inDoubt.add(`id-${nth}`);
    expect([inDoubt.size, inDoubt.dropped]).toEqual([20_000, 3]);
  });

  it("are left alone once it is closed", async () => {
    const { inDoubt, tried } = inDoubtWith({ a: ["not_open"] });
    inDoubt.add("a");
    await vi.advanceTimersByTimeAsync(500);
    inDoubt.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(tried).toEqual(["a"]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
