import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PendingFile } from "../../../src/counters/pending/pending-file.js";
import type { Target } from "../target.js";

/** In memory where there is such a place. */
const ROOT = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

function opened(directory: string): PendingFile {
  const file = new PendingFile(directory);
  file.close();
  return file;
}

export const PENDING: readonly Target[] = [
  {
    name: "pending-usage",
    law: "each line is read or counted as unreadable; a torn end takes no line before it; the rest is restored again",
    words: [
      "\n",
      "{",
      "}",
      '"key":',
      '"pending":',
      "null",
      "-1",
      '"usage":{}',
      '"labels":{"__proto__":"a"}',
      "\xff",
      '"',
    ],
    run(bytes) {
      const directory = mkdtempSync(join(ROOT, "pending-"));
      try {
        const path = join(directory, "pending-usage.jsonl");
        writeFileSync(path, bytes);
        const { restored, unreadable } = opened(directory);
        const lines = bytes
          .toString("utf8")
          .split("\n")
          .filter((line) => line !== "").length;
        assert.ok(restored.size + unreadable <= lines);
        writeFileSync(path, Buffer.concat([bytes, Buffer.from('\n{"key":"torn","pend')]));
        const torn = opened(directory);
        assert.deepEqual(torn.restored, restored);
        assert.equal(torn.unreadable, unreadable + 1);

        writeFileSync(path, "");
        const file = new PendingFile(directory);
        for (const [key, pending] of restored) file.keep(key, pending);
        file.close();
        assert.deepEqual(opened(directory).restored, restored);
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
  },
];
