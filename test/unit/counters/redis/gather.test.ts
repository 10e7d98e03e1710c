import { ReplyError } from "ioredis";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { answered, FIRST, gatherOf, HEAD, question, turn, watched } from "./gathered.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a question that comes alone", () => {
  it("is sent at once where the one before it came alone too and is answered", async () => {
    const { gather, calls, call } = gatherOf();
    const first = gather.ask("s", question("a"));
    expect(calls.length).toBe(0);
    await turn();
    call(0).answer([HEAD, 1]);
    await first;
    const second = gather.ask("s", question("b"));
    expect(calls.length).toBe(2);
    call(1).fail(new ReplyError("ERR no"));
    expect(await second).toMatchObject({ kind: "away" });
    void gather.ask("s", question("c"));
    expect(calls.length).toBe(3);
  });

  it("waits for the end of its turn while another is not answered", async () => {
    const { gather, calls } = gatherOf();
    void gather.ask("s", question("a"));
    await turn();
    void gather.ask("s", question("b"));
    expect(calls.length).toBe(1);
    await turn();
    expect(calls.length).toBe(2);
  });
});

describe("questions of one turn", () => {
  it("share a call: what they share first, then each one's own, and each gets its reply", async () => {
    const { gather, calls, call, told } = gatherOf();
    const asked = [gather.ask("s", question("a")), gather.ask("s", { keys: ["k", "l"], args: [] })];
    expect(calls).toEqual([]);
    await turn();
    expect([calls.length, call().keys, call().args]).toEqual([1, ["s", "key-a", "k", "l"], [FIRST, "arg-a"]]);
    call().answer([HEAD, Buffer.from("one"), null]);
    expect(await Promise.all(asked)).toEqual([answered(Buffer.from("one")), answered(null)]);
    expect(told).toEqual(["answered"]);
  });

  it("go with the next call where they come in the next turn", async () => {
    const { gather, calls, call } = gatherOf();
    const first = gather.ask("s", question("a"));
    await turn();
    const second = gather.ask("s", question("b"));
    await turn();
    expect(calls.map(({ keys }) => keys)).toEqual([
      ["s", "key-a"],
      ["s", "key-b"],
    ]);
    call(1).answer([HEAD, 2]);
    call(0).answer([HEAD, 1]);
    expect(await Promise.all([first, second])).toEqual([answered(1), answered(2)]);
  });

  it("are sent at once when there are as many as may share a call", async () => {
    const { gather, calls } = gatherOf({ most: 3 });
    for (const name of ["a", "b", "c", "d"]) void gather.ask("s", question(name));
    expect(calls.map(({ keys }) => keys)).toEqual([["s", "key-a", "key-b", "key-c"]]);
    await turn();
    expect(calls.map(({ keys }) => keys)).toEqual([
      ["s", "key-a", "key-b", "key-c"],
      ["s", "key-d"],
    ]);
  });

  it("are each sent alone where one is the most", () => {
    const { gather, calls } = gatherOf({ most: 1 });
    for (const name of ["a", "b"]) void gather.ask("s", question(name));
    expect(calls.map(({ keys }) => keys)).toEqual([
      ["s", "key-a"],
      ["s", "key-b"],
    ]);
  });

  it("share calls again as soon as one carried more than one", async () => {
    const { gather, calls, call } = gatherOf();
    const lone = gather.ask("s", question("a"));
    await turn();
    call(0).answer([HEAD, 1]);
    await lone;
    for (const name of ["b", "c", "d"]) void gather.ask("s", question(name));
    await turn();
    call(1).answer([HEAD, 1]);
    call(2).answer([HEAD, 1, 1]);
    await turn();
    for (const name of ["e", "f"]) void gather.ask("s", question(name));
    await turn();
    expect(calls.map(({ keys }) => keys)).toEqual([
      ["s", "key-a"],
      ["s", "key-b"],
      ["s", "key-c", "key-d"],
      ["s", "key-e", "key-f"],
    ]);
  });

  it("about two organizations never share a call, and keep their order", async () => {
    const { gather, calls } = gatherOf();
    for (const [shared, name] of ["s a", "s b", "t c", "s d"].map((text) => text.split(" "))) {
      void gather.ask(shared ?? "", question(name ?? ""));
    }
    await turn();
    expect(calls.map(({ keys }) => keys)).toEqual([
      ["s", "key-a", "key-b"],
      ["t", "key-c"],
      ["s", "key-d"],
    ]);
  });

  it("leave no timer behind once they are answered", async () => {
    const { gather, call } = gatherOf();
    const asked = gather.ask("s", question("a"));
    await turn();
    call().answer([HEAD, 1]);
    await asked;
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a reply", () => {
  it("that says that one question could not be carried out fails that one only", async () => {
    const { gather, call, told } = gatherOf();
    const [a, b, c] = [watched("a"), watched("b"), watched("c")];
    const asked = [a, b, c].map((one) => gather.ask("s", one.asks));
    await turn();
    call().answer([HEAD, 1, [Buffer.from("E"), Buffer.from("ERR wrong cell")], 3]);
    const cause = new ReplyError("ERR wrong cell");
    expect(await Promise.all(asked)).toEqual([answered(1), { kind: "away", cause }, answered(3)]);
    expect(told).toEqual(["answered", { failed: cause }]);
    expect([a, b, c].flatMap(({ late, lost }) => [...late, ...lost])).toEqual([]);
  });

  it("that only looks like a failure is an answer", async () => {
    const { gather, call } = gatherOf();
    const replies = [[Buffer.from("EE"), null], [[Buffer.from("E")]], ["E", "x"], Buffer.from("E"), null, []];
    const asked = replies.map((_, nth) => gather.ask("s", question(String(nth))));
    await turn();
    call().answer([HEAD, ...replies]);
    expect(await Promise.all(asked)).toEqual(replies.map(answered));
  });

  it("of another form is no answer: its askers are told that the store is away", async () => {
    for (const replies of [[], ["head", 1], [null, 1]]) {
      const { gather, call, told } = gatherOf();
      const asked = gather.ask("s", question("a"));
      await turn();
      call().answer(replies);
      const cause = new TypeError("a reply of another form");
      expect(await asked).toEqual({ kind: "away", cause });
      expect(told).toContainEqual({ failed: cause });
    }
  });

  it("that is too short answers those whose part is there", async () => {
    const { gather, call, told } = gatherOf();
    const asked = [gather.ask("s", question("a")), gather.ask("s", question("b"))];
    await turn();
    call().answer([HEAD, 1]);
    const cause = new TypeError("a reply of another form");
    expect(await Promise.all(asked)).toEqual([answered(1), { kind: "away", cause }]);
    expect(told).toEqual(["answered", { failed: cause }]);
  });

  it("of another form leaves its question in doubt", async () => {
    const { gather, call } = gatherOf();
    const one = watched("a");
    void gather.ask("s", one.asks);
    await turn();
    call().answer(["no head", 1]);
    await turn();
    expect(one.lost).toEqual(["a"]);
  });
});
