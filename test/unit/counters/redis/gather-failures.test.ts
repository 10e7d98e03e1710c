import { ReplyError } from "ioredis";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Away } from "../../../../src/app/ports.js";
import type { Answered } from "../../../../src/counters/redis/gather.js";
import { answered, gatherOf, HEAD, question, turn, watched } from "./gathered.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a question whose asker has waited before", () => {
  it("waits so much shorter, and those who share its call do not; its answer is told once it comes", async () => {
    const { gather, call, told } = gatherOf();
    const [a, b] = [watched("a"), watched("b")];
    const kinds: string[] = [];
    void gather.ask("s", { ...a.asks, waitedMs: 30 }).then(({ kind }) => kinds.push(`a ${kind}`));
    void gather.ask("s", b.asks).then(({ kind }) => kinds.push(`b ${kind}`));
    await turn();
    await vi.advanceTimersByTimeAsync(19);
    expect(kinds).toEqual([]);
    await vi.advanceTimersByTimeAsync(2);
    // The store is not late yet.
    expect([kinds, told]).toEqual([["a away"], []]);
    call().answer([HEAD, 1, 2]);
    await turn();
    expect([kinds, told]).toEqual([["a away", "b answered"], ["answered"]]);
    expect([a.late, b.late, vi.getTimerCount()]).toEqual([[answered(1)], [], 0]);
  });

  it("is told once that the store is away, and that it is lost where the call fails", async () => {
    const { gather, call, told } = gatherOf();
    const one = watched("a");
    const kinds: string[] = [];
    void gather.ask("s", { ...one.asks, waitedMs: 60 }).then(({ kind }) => kinds.push(kind));
    await vi.advanceTimersByTimeAsync(60);
    expect([kinds, told]).toEqual([["away"], ["late"]]);
    call().fail(new Error("Connection is closed."));
    await turn();
    expect([kinds, one.lost]).toEqual([["away"], ["a"]]);
  });
});

describe("a call that is late", () => {
  it("is told once, and its askers that the store is away, when the time is over and not before", async () => {
    const { gather, told } = gatherOf();
    const got: (Answered | Away)[] = [];
    for (const name of ["a", "b"]) void gather.ask("s", question(name)).then((answer) => got.push(answer));
    await turn();
    await vi.advanceTimersByTimeAsync(49);
    expect([told, got]).toEqual([[], []]);
    // In a later phase of the same turn, once what has come was read.
    await vi.advanceTimersByTimeAsync(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(told).toEqual(["late"]);
    const away = { kind: "away", cause: new Error("no answer within 50 ms") };
    expect(got).toEqual([away, away]);
  });

  it("tells each question its answer once it comes, and counts as late only", async () => {
    const { gather, call, told } = gatherOf();
    const [a, b] = [watched("a"), watched("b")];
    const asked = [gather.ask("s", a.asks), gather.ask("s", b.asks)];
    await vi.advanceTimersByTimeAsync(60);
    call().answer([HEAD, 1, 2]);
    expect((await Promise.all(asked)).map(({ kind }) => kind)).toEqual(["away", "away"]);
    await turn();
    expect([a.late, b.late, a.lost, b.lost]).toEqual([[answered(1)], [answered(2)], [], []]);
    expect(told).toEqual(["late"]);
  });

  it("is told as lost, once, where its connection breaks in the end", async () => {
    const { gather, call, told } = gatherOf();
    const one = watched("a");
    const asked = gather.ask("s", one.asks);
    await vi.advanceTimersByTimeAsync(60);
    call().fail(new Error("Connection is closed."));
    await turn();
    expect([await asked, one.late, one.lost]).toEqual([expect.objectContaining({ kind: "away" }), [], ["a"]]);
    expect(told).toEqual(["late"]);
  });

  it("was not done where the server refuses it in the end", async () => {
    const { gather, call, told } = gatherOf();
    const one = watched("a");
    void gather.ask("s", one.asks);
    await vi.advanceTimersByTimeAsync(60);
    call().answer([HEAD, [Buffer.from("E"), Buffer.from("ERR wrong cell")]]);
    await turn();
    expect([one.late, one.lost]).toEqual([[], []]);
    expect(told).toEqual(["late", { failed: new ReplyError("ERR wrong cell") }]);
  });
});

describe("a call that fails", () => {
  it("tells the cause, and each question that nobody knows whether it was carried out", async () => {
    const { gather, call, told } = gatherOf();
    const [a, b] = [watched("a"), watched("b")];
    const asked = [gather.ask("s", a.asks), gather.ask("s", b.asks)];
    await turn();
    const cause = new Error("Connection is closed.");
    call().fail(cause);
    expect(await Promise.all(asked)).toEqual([
      { kind: "away", cause },
      { kind: "away", cause },
    ]);
    expect([a.lost, b.lost, a.late]).toEqual([["a"], ["b"], []]);
    expect(told).toEqual([{ failed: cause }]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    ["the server refused it", new ReplyError("READONLY You can't write against a read only replica.")],
    ["it was never sent", new Error("Stream isn't writeable and enableOfflineQueue options is false")],
  ])("leaves no doubt where %s", async (_, cause) => {
    const { gather, call, told } = gatherOf();
    const one = watched("a");
    const asked = gather.ask("s", one.asks);
    await turn();
    call().fail(cause);
    expect(await asked).toEqual({ kind: "away", cause });
    expect([one.lost, told]).toEqual([[], [{ failed: cause }]]);
  });
});
