import { describe, expect, test } from "vitest";
import { ProgressBar } from "../../../../src/commands/replay/progress-bar.js";

const CLEAR = "\r\u001b[K";

/** Read so many chunks of a megabyte, each of them so many milliseconds after the other. */
async function watched(chunks: number, options: { readonly total: number | undefined; readonly everyMs: number }) {
  let written = "";
  let now = 0;
  const out = { write: (text: string) => (written += text) };
  const bar = new ProgressBar({ out, total: options.total, now: () => now });
  async function* bytes() {
    for (let count = 0; count < chunks; count++) {
      now += options.everyMs;
      yield new Uint8Array(1_000_000);
    }
  }
  let read = 0;
  for await (const chunk of bar.watch(bytes())) read += chunk.length;
  bar.clear();
  return { written, read, shown: written.split(CLEAR).slice(1) };
}

describe("the progress bar", () => {
  test("shows how much of a long log is read, and nothing of it is left", async () => {
    const { written, read, shown } = await watched(40, { total: 40_000_000, everyMs: 1_000 });
    expect(read).toBe(40_000_000);
    expect(shown[9]).toBe(`[${"#".repeat(7)}${".".repeat(23)}] 25% of 40 MB`);
    expect(shown.at(-2)).toBe(`[${"#".repeat(30)}] 100% of 40 MB`);
    expect(written.endsWith(CLEAR)).toBe(true);
  });

  test("says how much was read where the size is not known", async () => {
    const { shown } = await watched(20, { total: undefined, everyMs: 1_000 });
    expect(shown).toEqual(["17 MB", "18 MB", "19 MB", "20 MB", ""]);
  });

  test("is drawn ten times a second at the most", async () => {
    const { shown } = await watched(100, { total: 100_000_000, everyMs: 10 });
    expect(shown.length).toBeGreaterThan(5);
    expect(shown.length).toBeLessThanOrEqual(12);
  });

  test("leaves a short log alone", async () => {
    expect((await watched(10, { total: 10_000_000, everyMs: 1_000 })).written).toBe("");
  });
});
