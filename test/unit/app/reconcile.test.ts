import { describe, expect, it } from "vitest";
import { reconcile } from "../../../src/app/reconcile.js";
import type { Bill } from "../../../src/domain/bill.js";

const billed = (workspaces: readonly string[], words: Partial<Bill>) => ({
  workspaces,
  mistralWorkspace: `m-${workspaces.join("-")}`,
  bill: { currency: "USD", cost: 0, tokens: 0, costElsewhere: 0, unpriced: [], ...words },
});
const usd = (dollars: number, tokens = 0) => ({ cost: dollars * 1e9, tokens });
const driftsOf = (...args: Parameters<typeof reconcile>) =>
  reconcile(...args).drifts.map(({ drift, isOver }) => [drift, isOver]);

describe("Mistral's bill and Windbreak's counters", () => {
  it("are apart where they differ by more than the tolerance", () => {
    const bills = [billed(["dev"], usd(100)), billed(["ml"], usd(100)), billed(["lab"], usd(100))];
    const counted = new Map([
      ["dev", usd(105)],
      ["ml", usd(94)],
      ["lab", usd(106)],
    ]);
    expect(driftsOf(bills, counted, 0.05)).toEqual([
      [0.05, false],
      [-0.06, true],
      [0.06, true],
    ]);
  });

  it("are of several workspaces where those share one of Mistral's", () => {
    const bills = [billed(["dev", "ml"], usd(10))];
    expect(
      driftsOf(
        bills,
        new Map([
          ["dev", usd(4)],
          ["ml", usd(6)],
        ]),
        0,
      ),
    ).toEqual([[0, false]]);
  });

  it("are not apart for less than a cent, whatever share that is", () => {
    expect(driftsOf([billed(["dev"], usd(0.001))], new Map([["dev", usd(0.01)]]), 0.05)).toEqual([[9, false]]);
  });

  it("are apart where nothing was billed of what was counted, or nothing counted of what was billed", () => {
    expect(driftsOf([billed(["dev"], {})], new Map([["dev", usd(1)]]), 0.05)).toEqual([
      [Number.POSITIVE_INFINITY, true],
    ]);
    expect(driftsOf([billed(["dev"], usd(1))], new Map(), 0.05)).toEqual([[-1, true]]);
    expect(driftsOf([billed(["dev"], {})], new Map(), 0.05)).toEqual([[0, false]]);
  });

  it.each<[string, Partial<Bill>]>([
    ["is in another currency", { currency: "EUR", cost: 1, tokens: 1_000_000 }],
    ["has no prices", { cost: 0, tokens: 1_000_000, unpriced: ["small input"] }],
  ])("are held against each other by tokens where a bill %s", (_, words) => {
    const told = reconcile([billed(["dev"], words)], new Map([["dev", usd(3, 1_200_000)]]), 0.05);
    expect([told.unit, told.drifts[0]?.drift]).toEqual(["tokens", 0.2]);
  });

  it("name the workspaces that nothing was asked for", () => {
    const counted = new Map([
      ["z", usd(1)],
      ["dev", usd(1)],
      ["a", usd(1)],
    ]);
    expect(reconcile([billed(["dev"], usd(1))], counted, 0).unasked).toEqual(["a", "z"]);
  });
});
