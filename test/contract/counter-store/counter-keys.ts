import { describe, expect, it } from "vitest";
import { callerIn } from "../../support/callers.js";
import type { Stage } from "../../support/stage.js";
import type { StageOf } from "./stage-of.js";

/** Reads all pages. @throws Error where a page is larger than asked, or the store is away. */
async function keysOf(stage: Stage, limit: number): Promise<string[]> {
  const keys: string[] = [];
  for (let after: string | undefined = ""; after !== undefined; ) {
    const page = await stage.store.counters({ after, limit });
    if ("kind" in page) throw new Error("the store is away");
    if (keys.length > 1_000) throw new Error("the pages do not end");
    if (page.keys.length > limit) throw new Error(`a page of ${limit} holds ${page.keys.length}`);
    keys.push(...page.keys);
    after = page.next;
  }
  return keys;
}

/** Cases on listing which counters there are. */
export function counterKeys(stageOf: StageOf): void {
  describe("the keys of counters", () => {
    const limits = { "organization.requests_per_day": 99, "roles.developer.tokens_per_month": 99 };

    it("are those that count something, each once, whatever the page", async () => {
      const stage = await stageOf({ limits });
      const expected = new Set<string>();
      for (let i = 0; i < 12; i++) {
        const as = `caller-${i}`;
        await stage.admit({ as });
        for (const { key } of callerIn(stage.policy, { as }).counters) expected.add(key);
      }
      await stage.read({ as: "nobody" });
      expect(expected.size).toBe(13);
      for (const limit of [1, 5, 12, 13, 14, 100]) {
        expect((await keysOf(stage, limit)).sort()).toEqual([...expected].sort());
      }
    });

    it("are none where nothing was counted", async () => {
      const stage = await stageOf({ limits });
      await stage.read();
      expect(await keysOf(stage, 10)).toEqual([]);
    });

    it("come in an order that stays while others are added", async () => {
      const stage = await stageOf({ limits });
      for (let i = 0; i < 6; i++) await stage.admit({ as: `caller-${i}` });
      const first = await stage.store.counters({ after: "", limit: 3 });
      if ("kind" in first) throw new Error("the store is away");
      for (let i = 6; i < 9; i++) await stage.admit({ as: `caller-${i}` });
      const rest = await stage.store.counters({ after: first.next ?? "", limit: 100 });
      if ("kind" in rest) throw new Error("the store is away");
      const all = [...first.keys, ...rest.keys];
      expect(new Set(all).size).toBe(all.length);
      for (let i = 0; i < 6; i++) {
        for (const { key } of callerIn(stage.policy, { as: `caller-${i}` }).counters) expect(all).toContain(key);
      }
    });
  });
}
