import { describe, expect, test } from "vitest";
import { askWorker } from "../../../src/policy/ask-worker.js";

function script(source: string): URL {
  const imports = 'import { parentPort, workerData } from "node:worker_threads";';
  return new URL(`data:text/javascript,${encodeURIComponent(imports + source)}`);
}

/** A script that answers each question by the next of some values, and then by undefined. */
function answering(values: string): URL {
  return script(`const values = ${values}; parentPort.on("message", () => parentPort.postMessage(values.shift()));`);
}

async function all(answers: AsyncIterable<unknown>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const answer of answers) found.push(answer);
  return found;
}

describe("a script in a worker", () => {
  test("answers from what it was given, one message each time it is asked", async () => {
    const url = answering("[workerData.bytes.length, new Map([[workerData.file, 1n]]), { a: null }]");
    const answers = await all(askWorker(url, { input: { bytes: new Uint8Array(3), file: "policy.yaml" } }));
    expect(answers).toEqual([3, new Map([["policy.yaml", 1n]]), { a: null }]);
  });

  test("lets the event loop turn between two messages", async () => {
    let turns = 0;
    const seen: number[] = [];
    const turn = () => {
      turns++;
      if (seen.length < 3) setImmediate(turn);
    };
    setImmediate(turn);
    for await (const _ of askWorker(answering("[1, 2, 3]"), { input: undefined })) seen.push(turns);
    expect(seen).toHaveLength(3);
    expect(seen[0]).toBeLessThan(seen[1] ?? 0);
    expect(seen[1]).toBeLessThan(seen[2] ?? 0);
  });

  test("is ended when nobody asks any more, although it would run on", async () => {
    const turns = new Int32Array(new SharedArrayBuffer(4));
    const source = 'parentPort.postMessage("busy"); for (;;) if (Atomics.add(workerData, 0, 1) > 2_000_000_000) break;';
    for await (const answer of askWorker(script(source), { input: turns })) {
      expect(answer).toBe("busy");
      break;
    }
    const after = Atomics.load(turns, 0);
    for (let turn = 0; turn < 1_000; turn++) await new Promise(setImmediate);
    expect(Atomics.load(turns, 0)).toBe(after);
  });

  test("is ended when its time is over, before or between its messages", async () => {
    const turns = new Int32Array(new SharedArrayBuffer(4));
    const busy = "for (;;) if (Atomics.add(workerData, 0, 1) > 2_000_000_000) break;";
    const late = { input: turns, timeoutMs: 300 };
    await expect(all(askWorker(script(busy), late))).rejects.toThrow("it took longer than 0.3 s");

    const first = `parentPort.once("message", () => { parentPort.postMessage(1); ${busy} });`;
    const answers: unknown[] = [];
    const asking = async () => {
      for await (const answer of askWorker(script(first), { input: turns, timeoutMs: 2_000 })) answers.push(answer);
    };
    await expect(asking()).rejects.toThrow("it took longer than 2 s");
    expect(answers).toEqual([1]);
    const after = Atomics.load(turns, 0);
    for (let turn = 0; turn < 1_000; turn++) await new Promise(setImmediate);
    expect(Atomics.load(turns, 0)).toBe(after);
  });

  test("sees no environment", async () => {
    expect(await all(askWorker(answering("[Object.keys(process.env)]"), { input: undefined }))).toEqual([[]]);
  });

  test("leaves the event loop of its caller free", async () => {
    const turned = new SharedArrayBuffer(4);
    // Busy until the main thread has turned its loop; a caller that blocks would wait for good.
    const source =
      'while (Atomics.load(new Int32Array(workerData), 0) === 0); parentPort.on("message", () => parentPort.postMessage(undefined));';
    const answers = all(askWorker(script(source), { input: turned }));
    setImmediate(() => Atomics.store(new Int32Array(turned), 0, 1));
    expect(await answers).toEqual([]);
  });

  test("passes on what it throws", async () => {
    await expect(all(askWorker(script('throw new RangeError("too deep");'), { input: undefined }))).rejects.toThrow(
      "too deep",
    );
  });

  test("fails where it ends without a word, before or between its messages", async () => {
    await expect(all(askWorker(script("process.exit(3);"), { input: undefined }))).rejects.toThrow("ended with 3");
    const once =
      'parentPort.once("message", () => { parentPort.postMessage(1); setImmediate(() => process.exit(4)); });';
    await expect(all(askWorker(script(once), { input: undefined }))).rejects.toThrow("ended with 4");
  });
});
