import { describe, expect, it, vi } from "vitest";
import type { PendingCall } from "../../../../src/app/pending-usage.js";
import { idsOf, reportOf } from "./pending-calls.js";
import { counts, look, queueOf } from "./pending-queues.js";

describe("reports that wait for the store", () => {
  it("stay while it is down, and are sent in their order once it is up", async () => {
    const { queue, sent, comeUp } = queueOf();
    for (const id of ["a", "b", "c"]) queue.keep(reportOf(id));
    await look(10);
    expect([counts(queue), sent]).toEqual([{ size: 3, sent: 0, dropped: 0 }, []]);
    comeUp();
    await look();
    expect([counts(queue), idsOf(sent)]).toEqual([{ size: 0, sent: 3, dropped: 0 }, ["a", "b", "c"]]);
    await look(10);
    expect(sent.length).toBe(3);
  });

  it("are there once for each reservation, with what was said last", async () => {
    const { queue, sent, comeUp } = queueOf();
    queue.keep(reportOf("a", { model: "small" }));
    queue.keep(reportOf("b"));
    queue.keep(reportOf("a", { model: "large" }));
    expect(queue.size).toBe(2);
    comeUp();
    await look();
    expect(sent).toEqual([reportOf("a", { model: "large" }), reportOf("b")]);
  });

  it("are there once for each request of someone where they name no reservation", () => {
    const { queue } = queueOf();
    const request = (requestId: string, name: Partial<PendingCall["name"]> = {}): PendingCall => {
      const report = reportOf("", { requestId });
      return { ...report, name: { ...report.name, ...name } };
    };
    queue.keep(request("r-1"));
    queue.keep(request("r-1"));
    queue.keep(reportOf("r-1"));
    queue.keep(request("r-2"));
    queue.keep(request("r-1", { id: "bob" }));
    queue.keep(request("r-1", { workspace: "prod" }));
    expect(queue.size).toBe(5);
  });

  it("are sent fifty at a time, the oldest first", async () => {
    const { queue, sent, comeUp } = queueOf();
    const ids = Array.from({ length: 120 }, (_, nth) => `r-${nth}`);
    for (const id of ids) queue.keep(reportOf(id));
    comeUp();
    const lengths: number[] = [];
    for (let nth = 0; nth < 4; nth++) {
      await look();
      lengths.push(sent.length);
    }
    expect(lengths).toEqual([50, 100, 120, 120]);
    expect(idsOf(sent)).toEqual(ids);
  });

  it("are bounded: a new one for which there is no room is counted, and takes none's place", async () => {
    const { queue, sent, comeUp } = queueOf({ most: 3 });
    for (const id of ["a", "b", "c", "b", "d", "e"]) queue.keep(reportOf(id));
    expect(counts(queue)).toEqual({ size: 3, sent: 0, dropped: 2 });
    comeUp();
    await look();
    expect(idsOf(sent)).toEqual(["a", "b", "c"]);
  });

  it("are ten thousand at the most", () => {
    const { queue } = queueOf({ mostOfOne: 20_000 });
    for (let nth = 0; nth < 10_001; nth++) queue.keep(reportOf(`r-${nth}`));
    expect(counts(queue)).toEqual({ size: 10_000, sent: 0, dropped: 1 });
  });

  it("are a thousand of one principal at the most, so that none takes the room of all", async () => {
    const { queue, comeUp } = queueOf();
    const flood = (nth: number) => ({ ...reportOf(`r-${nth}`), name: { id: "eve", role: "", workspace: "" } });
    for (let nth = 0; nth < 1_001; nth++) queue.keep(flood(nth));
    expect(counts(queue)).toEqual({ size: 1_000, sent: 0, dropped: 1 });
    queue.keep(reportOf("a"));
    expect(counts(queue)).toEqual({ size: 1_001, sent: 0, dropped: 1 });
    comeUp();
    await look();
    queue.keep(flood(2_000));
    expect(queue.dropped).toBe(1);
  });
});

describe("a report that is sent", () => {
  it("waits on where the store went away again, and is sent at a later look", async () => {
    const answers = ["away", "away", "done"] as const;
    const tries: string[] = [];
    const { queue, comeUp } = queueOf({
      send: async ({ call }) => {
        tries.push(call.reservationId);
        return answers[tries.length - 1] ?? "done";
      },
    });
    queue.keep(reportOf("a"));
    comeUp();
    await look();
    expect(counts(queue)).toEqual({ size: 1, sent: 0, dropped: 0 });
    await look(2);
    expect([counts(queue), tries]).toEqual([{ size: 0, sent: 1, dropped: 0 }, ["a", "a", "a"]]);
  });

  it("is sent once at a time, however long the store takes", async () => {
    let finish: ((said: "done" | "away") => void) | undefined;
    let tries = 0;
    const { queue, comeUp } = queueOf({
      send: () =>
        new Promise((resolve) => {
          tries++;
          finish = resolve;
        }),
    });
    queue.keep(reportOf("a"));
    comeUp();
    await look(8);
    expect(tries).toBe(1);
    queue.keep(reportOf("b"));
    finish?.("done");
    await look();
    expect([tries, counts(queue)]).toEqual([2, { size: 1, sent: 1, dropped: 0 }]);
    finish?.("done");
  });

  it("is done with where its caller sent it again meanwhile: the store has taken the same", async () => {
    let finish: ((said: "done" | "away") => void) | undefined;
    let tries = 0;
    const { queue, comeUp } = queueOf({
      send: () =>
        new Promise((resolve) => {
          tries++;
          finish = resolve;
        }),
    });
    queue.keep(reportOf("a"));
    comeUp();
    await look();
    queue.keep(reportOf("a"));
    finish?.("done");
    await look(4);
    expect([tries, counts(queue)]).toEqual([1, { size: 0, sent: 1, dropped: 0 }]);
  });

  it("counts as sent and not as dropped too where there was no room for it meanwhile", async () => {
    let finish: ((said: "done" | "away") => void) | undefined;
    const { queue, comeUp } = queueOf({
      most: 1,
      send: () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    });
    queue.keep(reportOf("a"));
    comeUp();
    await look();
    queue.keep(reportOf("b"));
    finish?.("done");
    await vi.advanceTimersByTimeAsync(0);
    const { size, sent, dropped } = queue;
    expect([size, sent, dropped]).toEqual([0, 1, 1]);
  });

  it("is dropped and told where it cannot be sent though nothing is away, and keeps no other back", async () => {
    const cause = new TypeError("a reply of another form");
    const { queue, failed, comeUp } = queueOf({
      send: async ({ call }): Promise<"done"> => {
        if (call.reservationId === "a") throw cause;
        return "done";
      },
    });
    for (const id of ["a", "b"]) queue.keep(reportOf(id));
    comeUp();
    await look(4);
    expect([counts(queue), failed]).toEqual([{ size: 0, sent: 1, dropped: 1 }, [cause]]);
  });

  it("is no more tried once the queue has stopped", async () => {
    const { queue, sent, comeUp } = queueOf();
    queue.keep(reportOf("a"));
    comeUp();
    await queue.stop();
    await look(4);
    expect([sent, vi.getTimerCount()]).toEqual([[], 0]);
  });
});
