import { describe, expect, test } from "vitest";
import { runInWorker } from "../../../src/policy/run-in-worker.js";

function script(source: string): URL {
  const imports = 'import { parentPort, workerData } from "node:worker_threads";';
  return new URL(`data:text/javascript,${encodeURIComponent(imports + source)}`);
}

describe("a script in a worker", () => {
  test("answers from what it was given", async () => {
    const source = "parentPort.postMessage({ length: workerData.bytes.length, at: new Map([[workerData.file, 1n]]) });";
    const answer = await runInWorker(script(source), { bytes: new Uint8Array(3), file: "policy.yaml" });
    expect(answer).toEqual({ length: 3, at: new Map([["policy.yaml", 1n]]) });
  });

  test("is ended by its answer, although it would run on", async () => {
    const turns = new Int32Array(new SharedArrayBuffer(4));
    const source = 'for (;;) if (Atomics.add(workerData, 0, 1) === 1000) parentPort.postMessage("done");';
    expect(await runInWorker(script(source), turns)).toBe("done");
    const after = Atomics.load(turns, 0);
    for (let turn = 0; turn < 1_000; turn++) await new Promise(setImmediate);
    expect(Atomics.load(turns, 0)).toBe(after);
  });

  test("sees no environment", async () => {
    const source = "parentPort.postMessage(Object.keys(process.env));";
    expect(await runInWorker(script(source), undefined)).toEqual([]);
  });

  test("leaves the event loop of its caller free", async () => {
    const turned = new SharedArrayBuffer(4);
    // Busy until the main thread has turned its loop; a caller that blocks would wait for good.
    const source = "while (Atomics.load(new Int32Array(workerData), 0) === 0); parentPort.postMessage(true);";
    const answer = runInWorker(script(source), turned);
    setImmediate(() => Atomics.store(new Int32Array(turned), 0, 1));
    expect(await answer).toBe(true);
  });

  test("passes on what it throws", async () => {
    await expect(runInWorker(script('throw new RangeError("too deep");'), undefined)).rejects.toThrow("too deep");
  });

  test("fails where it ends without a word", async () => {
    await expect(runInWorker(script("process.exit(3);"), undefined)).rejects.toThrow("ended with 3");
  });
});
