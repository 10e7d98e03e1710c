import { describe, expect, it } from "vitest";
import { LabelledCounts, OTHER } from "../../../src/telemetry/labelled-counts.js";

function add(table: LabelledCounts, workspace: string, model: string, column: number, amount: number) {
  table.add(table.row(workspace, model), column, amount);
}

/** What is shown, as `workspace model column` -> sum. */
function shown(table: LabelledCounts): Map<string, number> {
  const cells = new Map<string, number>();
  for (const row of table.rows()) {
    for (const [column, sum] of row.sums.entries()) {
      if (row.shown[column] === 1) cells.set(`${row.workspace} ${row.model} ${column}`, sum);
    }
  }
  return cells;
}

describe("LabelledCounts", () => {
  it("adds up by workspace, model and column", () => {
    const table = new LabelledCounts(2, 10);
    add(table, "dev", "small", 0, 1);
    add(table, "dev", "small", 0, 2);
    add(table, "dev", "small", 1, 5);
    add(table, "dev", "large", 0, 7);
    add(table, "prod", "small", 0, 11);
    expect(Object.fromEntries(shown(table))).toEqual({
      "dev small 0": 3,
      "dev small 1": 5,
      "dev large 0": 7,
      "prod small 0": 11,
    });
  });

  it("shows a column that only 0 was added to, and none that nothing was", () => {
    const table = new LabelledCounts(2, 10);
    add(table, "dev", "small", 1, 0);
    expect([...shown(table)]).toEqual([["dev small 1", 0]]);
  });

  it("counts what comes beyond the cap under other, in its column, and keeps what it has", () => {
    const table = new LabelledCounts(2, 3);
    add(table, "a", "m", 0, 1);
    add(table, "b", "m", 0, 1);
    add(table, "c", "m", 0, 1);
    add(table, "d", "m", 0, 10);
    add(table, "e", "m", 1, 20);
    add(table, "a", "m", 1, 30);
    add(table, "a", "m", 0, 1);
    expect(Object.fromEntries(shown(table))).toEqual({
      "a m 0": 2,
      "b m 0": 1,
      "c m 0": 1,
      [`${OTHER} ${OTHER} 0`]: 10,
      [`${OTHER} ${OTHER} 1`]: 50,
    });
  });

  it("keeps a bounded number of rows however many names come", () => {
    const table = new LabelledCounts(3, 100);
    for (let name = 0; name < 5_000; name += 1) add(table, `workspace-${name}`, `model-${name}`, name % 3, 1);
    expect([...table.rows()].length).toBe(101);
    expect([...shown(table).values()].reduce((total, sum) => total + sum, 0)).toBe(5_000);
  });

  it("merges a workspace and model that are really named other with the rest", () => {
    const table = new LabelledCounts(1, 1);
    add(table, OTHER, OTHER, 0, 1);
    add(table, "a", "m", 0, 1);
    add(table, "b", "m", 0, 1);
    expect(Object.fromEntries(shown(table))).toEqual({ [`${OTHER} ${OTHER} 0`]: 2, "a m 0": 1 });
  });
});
