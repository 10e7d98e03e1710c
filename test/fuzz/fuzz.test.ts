import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CORPUS, corpusOf } from "./corpus.js";
import { fuzz } from "./fuzz.js";
import { mutate } from "./mutate.js";
import { Random } from "./random.js";
import { type Target, tryInput } from "./target.js";
import { TARGETS } from "./targets.js";

/** The short form of `npm run fuzz`: the same inputs each time. */
const SEED = 20_260_310;
const INPUTS = 100;
const MOST_CORPUS_BYTES = 500_000;

describe.each(TARGETS.map((target) => [target.name, target] as const))("%s", (name, target) => {
  const kept = corpusOf(name);

  it("keeps its law for every input that is kept", async () => {
    expect(kept.length).toBeGreaterThan(0);
    for (const { name: shows, input } of kept) {
      await expect(tryInput(target, input), `${name}/${shows}: ${target.law}`).resolves.toBeUndefined();
    }
  });

  it(`keeps it for ${INPUTS} inputs made of those`, async () => {
    const inputs = kept.map(({ input }) => input);
    const { tried, found } = await fuzz(target, { seed: SEED, inputs, isOver: (tried) => tried >= INPUTS });
    const how = `${target.law}; the input: ${found?.input.toString("base64")}`;
    expect(found?.cause, how).toBeUndefined();
    expect(tried).toBeGreaterThanOrEqual(INPUTS);
  });
});

describe("the inputs that are kept", () => {
  it("are of targets that there are, and small", () => {
    const names = TARGETS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(readdirSync(CORPUS).sort()).toEqual([...names].sort());
    const bytes = names.flatMap(corpusOf).reduce((sum, { input }) => sum + input.length, 0);
    expect(bytes).toBeLessThan(MOST_CORPUS_BYTES);
  });
});

describe("the fuzzer", () => {
  const breaksAt = (word: string): Target => ({
    name: "planted",
    law: `never ${word}`,
    words: ["a", "b"],
    run: (input) => {
      if (input.includes(word)) throw new Error(`it holds ${word}`);
    },
  });
  const inputs = [Buffer.from("xxxxxxxxxxxxaxxxxxxxxxxxxxx")];

  it("finds what breaks a law, and makes it small", async () => {
    const { found } = await fuzz(breaksAt("ab"), { seed: 1, inputs, isOver: (tried) => tried > 100_000 });
    expect(found?.input.toString()).toBe("ab");
    expect(found?.cause).toEqual(new Error("it holds ab"));
  });

  it("tries the same inputs for the same seed, and others for another", () => {
    const made = (seed: number) => {
      const random = new Random(seed);
      return Array.from({ length: 50 }, () =>
        mutate(random, { pool: inputs, words: ["a"], mostBytes: 99 }).toString("hex"),
      );
    };
    expect(made(1)).toEqual(made(1));
    expect(made(1)).not.toEqual(made(2));
  });

  it("makes no input longer than it may be", () => {
    const random = new Random(3);
    for (let nth = 0; nth < 500; nth++) {
      expect(mutate(random, { pool: inputs, words: ["a"], mostBytes: 40 }).length).toBeLessThanOrEqual(40);
    }
  });

  it("tells an input that takes too long", async () => {
    const slow: Target = { ...breaksAt("ab"), run: () => spin(60) };
    await expect(tryInput(slow, Buffer.from("x"), 50)).rejects.toThrow(/^1 bytes took \d+ ms of processor time$/);
  });
});

/** Keep the processor busy. */
function spin(ms: number): void {
  const before = process.cpuUsage();
  while (process.cpuUsage(before).user < ms * 1000) Math.sqrt(2);
}
