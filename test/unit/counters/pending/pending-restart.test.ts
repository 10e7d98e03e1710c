import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PendingFile } from "../../../../src/counters/pending/pending-file.js";
import { idsOf, reportOf } from "./pending-calls.js";
import { counts, look, queueOf, stops } from "./pending-queues.js";

describe("reports that outlive a crash", () => {
  let directory = "";
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "windbreak-queue-"));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  function restart() {
    return queueOf({ file: new PendingFile(directory), most: 3 });
  }

  it("wait again after it, in their order and each once, those that there was no room for left out", async () => {
    const before = restart();
    for (const id of ["a", "b", "c", "b", "d"]) before.queue.keep(reportOf(id));
    const after = restart();
    expect(counts(after.queue)).toEqual({ size: 3, sent: 0, dropped: 0 });
    after.comeUp();
    await look();
    expect(idsOf(after.sent)).toEqual(["a", "b", "c"]);
    expect(restart().queue.size).toBe(0);
  });

  it("are not those that the store took while the process was ending", async () => {
    let finish: ((said: "done" | "away") => void) | undefined;
    const before = queueOf({
      file: new PendingFile(directory),
      isUp: () => true,
      send: () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    });
    before.queue.keep(reportOf("a"));
    await look();
    const stopped = before.queue.stop();
    finish?.("done");
    await stopped;
    stops.length = 0;
    expect(restart().queue.size).toBe(0);
  });

  it("wait in memory where the file cannot be written, which is told and hides nothing from callers", async () => {
    const file = new PendingFile(directory);
    const { queue, sent, failed, comeUp } = queueOf({ file });
    // It is due to be written anew, and cannot be.
    mkdirSync(join(directory, "pending-usage.jsonl.next"));
    for (let nth = 0; nth < 10_001; nth++) file.keep("other", reportOf("other"));
    queue.keep(reportOf("a"));
    queue.keep(reportOf("a"));
    expect(failed.map(({ message }) => /EISDIR/.test(message))).toEqual([true]);
    comeUp();
    await look();
    expect([idsOf(sent), counts(queue)]).toEqual([["a"], { size: 0, sent: 1, dropped: 0 }]);
  });

  it("are those only that were not sent before it", async () => {
    const refuses = new Set(["b"]);
    const before = queueOf({
      file: new PendingFile(directory),
      isUp: () => true,
      send: ({ call }) => (refuses.has(call.reservationId) ? "away" : "done"),
    });
    for (const id of ["a", "b", "c"]) before.queue.keep(reportOf(id));
    await look();
    const after = restart();
    after.comeUp();
    await look();
    expect(idsOf(after.sent)).toEqual(["b"]);
  });
});
