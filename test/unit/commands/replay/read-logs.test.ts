import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { type ReadFacts, readLogs } from "../../../../src/commands/replay/read-logs.js";
import { allowed, logText } from "./log-lines.js";

/** Read logs, each of decisions at these seconds, holding back so many lines. */
async function read(logs: readonly (readonly number[])[], mostHeld: number) {
  const facts: ReadFacts = { skipped: 0, firstSkipped: [], late: 0 };
  const files = logs.map((seconds, log) => {
    const text = logText(seconds.map((second) => allowed(`${log}-${second}`, second)));
    const cut = Math.floor(text.length / 2);
    const bytes = Readable.from([text.slice(0, cut), text.slice(cut)].map((part) => Buffer.from(part)));
    return { kind: "log" as const, name: `log-${log}`, size: text.length, bytes };
  });
  const ids: string[] = [];
  for await (const batch of readLogs(files, facts, mostHeld)) {
    if ("kind" in batch) throw new Error(batch.line);
    for (const line of batch) if (line.kind === "decision") ids.push(line.requestId);
  }
  return { ids, late: facts.late };
}

test("logs that were written at the same time are read as one, holding nothing back", async () => {
  const { ids, late } = await read([[0, 2, 4, 9], [1, 3, 5, 6, 7, 8], []], 0);
  expect(ids).toEqual(["0-0", "1-1", "0-2", "1-3", "0-4", "1-5", "1-6", "1-7", "1-8", "0-9"].map((id) => `q-${id}`));
  expect(late).toBe(0);
});

test("lines that are out of order by more than is held back are taken as they come, and counted", async () => {
  const { ids, late } = await read([[5, 6, 7, 1, 8]], 2);
  expect(ids).toEqual(["q-0-5", "q-0-1", "q-0-6", "q-0-7", "q-0-8"]);
  expect(late).toBe(1);
});
