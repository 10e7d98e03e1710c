import { expect, test } from "vitest";
import { Tally, type Turn } from "../../../../src/commands/replay/tally.js";

function blocked(principal: string, limit = "l"): Turn {
  const caller = { principal, role: "r", workspace: "w" };
  const cause = { limit, reason: "rate_limited" };
  return { kind: "blocked", at: 0, caller, model: "m", requestId: "q", cause, message: "", cost: undefined };
}

test("principals beyond what is kept are counted as one, and no cost is lost", () => {
  const tally = new Tally(2, 3);
  const turns = Array.from({ length: 10 }, (_, index) => blocked(`p${index}`, `l${index}`));
  for (const turn of turns) tally.add(turn);
  for (const turn of turns) tally.settle(turn, 5, false);
  for (const rows of [tally.principals().map((row) => row.blocked), tally.causes()]) {
    expect(rows.map(({ calls, cost }) => [calls, cost])).toEqual([
      [7, 35],
      [1, 5],
      [1, 5],
      [1, 5],
    ]);
  }
  expect(tally.principals()[0]?.caller.principal).toBe("(others)");
  expect(tally.blocked).toEqual({ calls: 10, cost: 50 });
  expect(tally.examples.map(({ caller, cost }) => [caller.principal, cost])).toEqual([
    ["p0", 5],
    ["p1", 5],
  ]);
});
