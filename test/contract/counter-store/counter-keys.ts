import { describe, expect, it } from "vitest";
import { callerIn } from "../../support/callers.js";
import type { Stage } from "../../support/stage.js";
import type { StageOf } from "./stage-of.js";

/** Reads all pages. @throws Error where they do not end, or the store is away. */
async function keysOf(stage: Stage, limit: number): Promise<string[]> {
  const keys: string[] = [];
  for (let after: string | undefined = ""; after !== undefined; ) {
    const page = await stage.store.counters({ after, limit });
    if ("kind" in page) throw new Error("the store is away");
    if (keys.length > 1_000) throw new Error("the pages do not end");
    keys.push(...page.keys);
    after = page.next;
  }
  return keys;
}

function roleKeys(stage: Stage, as: string): string[] {
  return callerIn(stage.policy, { as })
    .counters.map(({ key }) => key)
    .filter((key) => key.startsWith("role "));
}

/** Cases on listing which principals have counters. */
export function counterKeys(stageOf: StageOf): void {
  describe("the keys of role counters", () => {
    const limits = { "organization.requests_per_day": 99, "roles.developer.tokens_per_month": 99 };

    it("are those of principals who used something, whatever the page", async () => {
      const stage = await stageOf({ limits });
      const expected = new Set<string>();
      for (let i = 0; i < 12; i++) {
        const as = `caller-${i}`;
        await stage.admit({ as });
        for (const key of roleKeys(stage, as)) expected.add(key);
      }
      await stage.read({ as: "nobody" });
      expect(expected.size).toBe(12);
      for (const limit of [1, 5, 12, 13, 14, 100]) {
        expect(new Set(await keysOf(stage, limit))).toEqual(expected);
      }
    });

    it("are none where nothing was counted", async () => {
      const stage = await stageOf({ limits });
      await stage.read();
      expect(await keysOf(stage, 10)).toEqual([]);
    });

    it("are on one page at the least while others are added", async () => {
      const stage = await stageOf({ limits });
      for (let i = 0; i < 6; i++) await stage.admit({ as: `caller-${i}` });
      const first = await stage.store.counters({ after: "", limit: 3 });
      if ("kind" in first) throw new Error("the store is away");
      for (let i = 6; i < 9; i++) await stage.admit({ as: `caller-${i}` });
      const all = [...first.keys];
      for (let after = first.next; after !== undefined; ) {
        const page = await stage.store.counters({ after, limit: 100 });
        if ("kind" in page) throw new Error("the store is away");
        all.push(...page.keys);
        after = page.next;
      }
      for (let i = 0; i < 6; i++) {
        for (const key of roleKeys(stage, `caller-${i}`)) expect(all).toContain(key);
      }
    });
  });
}
