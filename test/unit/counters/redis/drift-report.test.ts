import { describe, expect, it } from "vitest";
import { type Lot, limitOf, nameLot, readLotName } from "../../../../src/counters/redis/drift-lots.js";
import { DriftTally, describeDrift } from "../../../../src/counters/redis/drift-report.js";

function lotIn(principal: string, field: string): Lot {
  return readLotName(nameLot({ principal, field, place: 7, end: 4_001 }));
}

describe("limitOf", () => {
  it.each([
    ["", "uM", "organization.usd_per_month"],
    ["", "ts dev", "workspaces.dev.tokens_per_second"],
    ["", "cf dev analyst", "roles.analyst.concurrent_requests in dev"],
    ["ann", "rd dev analyst", "roles.analyst.requests_per_day of ann in dev"],
    ["ann", "oh", "principals.ann.output_tokens_per_hour"],
  ])("names the counter of %j in the field %j", (principal, field, name) => {
    expect(limitOf(lotIn(principal, field))).toBe(name);
  });

  it("refuses a field that is no counter's", () => {
    expect(() => lotIn("ann", "xx dev")).toThrow(new RangeError("the field xx dev is no counter's"));
  });
});

describe("describeDrift", () => {
  it("says nothing where nothing was repaired", () => {
    expect(describeDrift(new DriftTally().report(3, 12))).toBeUndefined();
  });

  it("says what was changed, by metric, and in which counters", () => {
    const tally = new DriftTally();
    tally.add("a", lotIn("", "td dev"), -40);
    tally.add("b", lotIn("", "tm dev"), -2);
    tally.add("b", lotIn("", "tm dev"), 5);
    tally.add("c", lotIn("", "uM"), 700);
    expect(tally.report(3, 12)).toMatchObject({ open: 3, compared: 12, differed: 3 });
    expect(describeDrift(tally.report(3, 12))).toBe(
      "counters in Redis differed from the open reservations in 3 amounts, of workspaces.dev.tokens_per_day, " +
        "workspaces.dev.tokens_per_minute, organization.usd_per_month: took away 42 tokens that no open reservation " +
        "holds, added 5 tokens that open reservations hold, added 700 nano-USD that open reservations hold",
    );
  });

  it.each(["ann\ntd", "ann\ntd\n7\n-0", "ann\ntd\n7\n4001\nmore", "ann\ntd\n7\n9007199254740993", "ann\nxx\n7\n4001"])(
    "takes %j for no lot",
    (name) => {
      expect(() => readLotName(name)).toThrow(RangeError);
    },
  );

  it("names a few counters of many", () => {
    const tally = new DriftTally();
    for (let nth = 0; nth < 9; nth++) tally.add(String(nth), lotIn(`p${nth}`, "rd"), -1);
    const line = describeDrift(tally.report(0, 9));
    expect(line).toContain("in 9 amounts, of principals.p0.requests_per_day, ");
    expect(line).toContain("principals.p4.requests_per_day and maybe others: took away 9 requests");
  });
});
