import { describe, expect, it } from "vitest";
import type { LimitRow, RoleLimit } from "../../../src/page/answers.js";
import { budgetsToShow, fullness, limitsToShow } from "../../../src/page/budgets.js";
import { amount, dollars, limitWords, percent, perRequestWords, span, whole } from "../../../src/page/numbers.js";
import { outcomesOf } from "../../../src/page/rates.js";

function row(name: string, words: Partial<LimitRow> = {}): LimitRow {
  const window = "WINDOW_DAY";
  const empty = { resets_at: "2026-03-01T00:00:00Z", scope_id: "dev", shadow: false, workspace: "dev", principal: "" };
  return { name, metric: "METRIC_TOKENS", window, ceiling: "100", used: "0", reserved: "0", ...empty, ...words };
}

const OF_EACH: RoleLimit = {
  name: "roles.analyst.tokens_per_day",
  metric: "METRIC_TOKENS",
  window: "WINDOW_DAY",
  ceiling: "100",
  shadow: false,
  role: "analyst",
};

function ofPrincipal(principal: string, used: string): LimitRow {
  return row(OF_EACH.name, { principal, scope_id: principal, used });
}

describe("budgets", () => {
  it("are told by who has them, the fullest first", () => {
    const shown = budgetsToShow(
      {
        policy_revision: "r1",
        limits: [
          row("organization.usd_per_month", { scope_id: "acme", used: "10" }),
          row("workspaces.dev.tokens_per_day", { used: "40", reserved: "50" }),
          row("roles.batch.tokens_per_day", { used: "20" }),
        ],
        of_each_principal: [],
      },
      [],
    );
    expect(shown.map(({ title, kind }) => `${title}: ${kind}`)).toEqual([
      "dev: workspace",
      "batch: role, shared in dev",
      "acme: organization",
    ]);
  });

  it("of each principal of a role are one bar, for the fullest", () => {
    const all = [ofPrincipal("ada", "30"), ofPrincipal("grace", "70"), ofPrincipal("edsger", "10")];
    const [shown] = budgetsToShow({ policy_revision: "r1", limits: [], of_each_principal: [OF_EACH] }, all);
    expect(shown).toMatchObject({ title: "analyst", limit: { used: "70" } });
    expect(shown?.fullest).toEqual({ principal: "grace", role: "analyst", workspace: "dev", among: 3 });
  });

  it("of a role that nobody used are shown as such", () => {
    const [shown] = budgetsToShow({ policy_revision: "r1", limits: [], of_each_principal: [OF_EACH] }, []);
    expect(shown).toMatchObject({ limit: { used: "0" }, fullest: { principal: "", among: 0 } });
  });

  it("with a ceiling of 0 are full", () => {
    expect(fullness({ ceiling: "0", used: "0", reserved: "0" })).toBe(1);
  });

  it("of one principal say which of its role's it shares", () => {
    const own = { principal: "ada", workspace: "dev" };
    const limits = [row("roles.r.a", { ...own, scope_id: "ada" }), row("roles.r.b", { ...own, scope_id: "dev" })];
    expect(limitsToShow(limits).map(({ kind }) => kind)).toEqual(["role", "role, shared in dev"]);
  });

  it("of a principal with dots in its name are told by the whole of it", () => {
    const [shown] = limitsToShow([row("principals.a.b@c.d.usd_per_day", { principal: "a.b@c.d" })]);
    expect(shown).toMatchObject({ title: "a.b@c.d", kind: "principal" });
  });
});

describe("numbers", () => {
  it("are written as a person reads them", () => {
    expect(whole(1_234_567)).toBe("1,234,567");
    expect([0.1234, 0.9999, 1, 1.25].map(percent)).toEqual(["12.3\u00a0%", "99.9\u00a0%", "100\u00a0%", "125\u00a0%"]);
    expect([0, 1_234, 12_345_678, 100_000_000, 1_234_567_890_000].map(dollars)).toEqual([
      "$0.00",
      "$0.0000012",
      "$0.012",
      "$0.10",
      "$1,234.57",
    ]);
    expect(amount("METRIC_TOKENS", 9_999)).toBe("9,999");
    expect(
      [400, 59_400, 61_000, 3_600_000, 90_061_000].map(span).map((text) => text.replaceAll("\u00a0", " ")),
    ).toEqual(["0 s", "59 s", "1 min 1 s", "1 h", "1 d 1 h"]);
    expect(limitWords({ metric: "METRIC_NANO_USD", window: "WINDOW_MONTH" })).toBe("dollars per month");
    expect(perRequestWords({ metric: "METRIC_INPUT_TOKENS", ceiling: "5000" })).toBe("5,000 input tokens per request");
    expect(perRequestWords({ metric: "METRIC_NANO_USD", ceiling: "500000000" })).toBe("$0.50 per request");
    expect(limitWords({ metric: "METRIC_CONCURRENT_REQUESTS", window: "WINDOW_IN_FLIGHT" })).toBe(
      "concurrent requests",
    );
  });
});

describe("outcomes", () => {
  it("are rates a second by step, allowed first, and nothing before the start", () => {
    const counts = { rate_limited: [0, 0, 40], allowed: [0, 10, 20] };
    const told = outcomesOf({ step_seconds: 10, from: "1970-01-01T00:01:40Z", counts }, 110_000);
    expect(told).toEqual([
      { reason: "allowed", total: 30, lately: 2, perSecond: [null, 1, 2] },
      { reason: "rate_limited", total: 40, lately: 4, perSecond: [null, 0, 4] },
    ]);
  });
});
