import { describe, expect, it } from "vitest";
import type { KeyUseStore } from "../../src/app/key-use-ports.js";
import type { SeenKey } from "../../src/domain/key-use.js";
import { eventually } from "../support/eventually.js";

const CALLER: SeenKey = { kind: "caller", id: "3fK9mQ2x", sha256: "ab".repeat(32) };
const SENT: SeenKey = { kind: "upstream", fingerprint: "0123456789abcdef", workspace: "dev" };
/** The same key for another workspace. */
const ALSO: SeenKey = { kind: "upstream", fingerprint: "0123456789abcdef", workspace: "lab" };

/** What every store of keys' uses does. @param open gives an empty one; `again` opens what it keeps anew, as another process does. */
export function keyUsesContract(
  name: string,
  open: () => Promise<{ readonly store: KeyUseStore; readonly again?: () => Promise<KeyUseStore> }>,
): void {
  const usesIn = async (store: KeyUseStore) => {
    const read = await store.read();
    if (read.kind === "away") throw new Error("the store is away", { cause: read.cause });
    return new Map(read.uses.map(({ key, at }) => [JSON.stringify(key), at]));
  };
  const ago = (ms: number) => Date.now() - ms;

  describe(name, () => {
    it("keeps the last use of each key, apart by workspace", async () => {
      const { store } = await open();
      const [one, two, three] = [ago(3_000), ago(2_000), ago(1_000)];
      await store.keep([
        { key: CALLER, at: one },
        { key: SENT, at: two },
      ]);
      await store.keep([{ key: ALSO, at: three }]);
      expect(await usesIn(store)).toEqual(
        new Map([
          [JSON.stringify(CALLER), one],
          [JSON.stringify(SENT), two],
          [JSON.stringify(ALSO), three],
        ]),
      );
    });

    it("keeps the later of two uses, in whatever order they come", async () => {
      const { store } = await open();
      const [early, late] = [ago(2_000), ago(1_000)];
      for (const at of [early, late, early]) await store.keep([{ key: CALLER, at }]);
      expect(await usesIn(store)).toEqual(new Map([[JSON.stringify(CALLER), late]]));
    });

    it("keeps thousands at once", async () => {
      const { store } = await open();
      const at = ago(1_000);
      const keys = Array.from(
        { length: 2_345 },
        (_, nth): SeenKey => ({ kind: "caller", id: "3fK9mQ2x", sha256: String(nth) }),
      );
      await store.keep(keys.map((key) => ({ key, at })));
      expect((await usesIn(store)).size).toBe(2_345);
    });

    it("says since when it knows, which a key that comes later does not change", async () => {
      const before = ago(1);
      const { store } = await open();
      await store.keep([]);
      const first = await store.read();
      await eventually(async () => expect(ago(2)).toBeGreaterThan(first.kind === "uses" ? first.since : 0));
      await store.keep([{ key: CALLER, at: ago(86_400_000) }]);
      const second = await store.read();
      if (first.kind === "away" || second.kind === "away") throw new Error("away");
      expect(second.since).toBe(first.since);
      expect(first.since).toBeGreaterThanOrEqual(before);
      expect(first.since).toBeLessThanOrEqual(Date.now());
    });

    it("forgets what is 400 days old", async () => {
      const { store } = await open();
      const fresh = ago(399 * 86_400_000);
      await store.keep([
        { key: CALLER, at: ago(401 * 86_400_000) },
        { key: SENT, at: fresh },
      ]);
      expect(await usesIn(store)).toEqual(new Map([[JSON.stringify(SENT), fresh]]));
    });

    it("gives to another process what it keeps, and since when", async () => {
      const { store, again } = await open();
      if (!again) return;
      const at = ago(1_000);
      await store.keep([{ key: SENT, at }]);
      const other = await again();
      expect(await usesIn(other)).toEqual(new Map([[JSON.stringify(SENT), at]]));
      expect((await other.read()) as object).toMatchObject({
        since: ((await store.read()) as { since: number }).since,
      });
    });
  });
}
