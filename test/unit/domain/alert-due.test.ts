import { describe, expect, it } from "vitest";
import type { Alert } from "../../../src/domain/alert.js";
import { alertsDue } from "../../../src/domain/alert-due.js";
import { Calendar, isCalendar } from "../../../src/domain/window.js";
import { instant } from "../../support/fake-clock.js";
import { limitOf } from "../../support/policy-words.js";

const OPS = { name: "ops", webhook: "https://hooks.example/", secret: undefined };
const NOON = "2026-11-15T12:00:00Z";

function alert(words: Partial<Alert> = {}): Alert {
  return { at: [50, 80, 100], forecast: false, target: OPS, limits: ["*"], ...words };
}

function due(
  name: string,
  stand: { used?: number; reserved?: number; at?: string; read?: number },
  alerts = [alert()],
  ceiling = 100,
) {
  const { used = 0, reserved = 0, at = NOON, read } = stand;
  const now = instant(at);
  const windows = new Calendar("Europe/Paris").at(now);
  const limit = limitOf(name, ceiling);
  const resetsAt = read === undefined && isCalendar(limit.window) ? windows[limit.window].end : read;
  return alertsDue(alerts, { limit, used, reserved, resetsAt }, windows, now);
}

const kinds = (found: ReturnType<typeof due>) =>
  found.map(({ occasion }) => (occasion.kind === "threshold" ? occasion.percent : occasion.kind));

describe("a threshold", () => {
  it.each([
    [0, 0, []],
    [49, 0, []],
    [50, 0, [50]],
    [40, 10, [50]],
    [79, 0, [50]],
    [30, 50, [50, 80]],
    [100, 0, [50, 80, 100]],
    [150, 0, [50, 80, 100]],
  ])("is reached by what is used and reserved: %i and %i of 100", (used, reserved, reached) => {
    expect(kinds(due("organization.tokens_per_month", { used, reserved }))).toEqual(reached);
  });

  it("of a limit that refuses always is never told", () => {
    expect(due("organization.tokens_per_month", { used: 5 }, [alert()], 0)).toEqual([]);
  });

  it("is told of those limits that its alert is about", () => {
    const aboutMoney = alert({ limits: ["workspaces.*", "*.usd_per_month"] });
    expect(due("organization.tokens_per_month", { used: 99 }, [aboutMoney])).toEqual([]);
    expect(kinds(due("organization.usd_per_month", { used: 99 }, [aboutMoney]))).toEqual([50, 80]);
  });

  it("is one occasion for a whole calendar window, which ends in the policy's time zone", () => {
    const [first] = due("organization.tokens_per_day", { used: 50, at: "2026-11-14T23:00:00Z" });
    const [last] = due("organization.tokens_per_day", { used: 60, at: "2026-11-15T22:59:59Z" });
    const [next] = due("organization.tokens_per_day", { used: 50, at: "2026-11-15T23:00:00Z" });
    expect(last?.id).toBe(first?.id);
    expect(next?.id).not.toBe(first?.id);
    expect(first?.until).toBe(instant("2026-11-15T23:00:00Z"));
  });

  it("is not told of what was read of a window that has ended since, in that window's name or the next one's", () => {
    const at = "2026-11-15T23:00:00.050Z";
    expect(due("organization.tokens_per_day", { used: 90, at, read: instant("2026-11-15T23:00:00Z") })).toEqual([]);
  });

  it("is told by the store's window where that has turned before this clock", () => {
    const read = instant("2026-11-16T23:00:00Z");
    const [found] = due("organization.tokens_per_day", { used: 50, at: "2026-11-15T22:59:59Z", read });
    const [same] = due("organization.tokens_per_day", { used: 50, at: "2026-11-15T23:00:01Z" });
    expect(found?.until).toBe(read);
    expect(same?.id).toBe(found?.id);
  });

  it.each(["requests_per_minute", "concurrent_requests"])("of %s is told once in an hour at most", (key) => {
    const name = `workspaces.dev.${key}`;
    const [first] = due(name, { used: 50, at: "2026-11-15T12:00:00Z" });
    const [last] = due(name, { used: 50, at: "2026-11-15T12:59:59Z" });
    const [next] = due(name, { used: 50, at: "2026-11-15T13:00:00Z" });
    expect(last?.id).toBe(first?.id);
    expect(next?.id).not.toBe(first?.id);
  });
});

describe("a forecast", () => {
  const forecast = [alert({ at: [], forecast: true })];

  it("says when a month's pace uses its ceiling up", () => {
    // Half of November is over, and 60 of 100 with it: the rest goes in 10 days.
    const at = "2026-11-15T23:00:00Z";
    const [found] = due("organization.tokens_per_month", { used: 60, at }, forecast);
    expect(found?.occasion).toEqual({ kind: "forecast", runsOutAt: instant("2026-11-25T23:00:00Z") });
  });

  it("is none where the ceiling lasts to the end of the window, or is used up", () => {
    const at = "2026-11-15T23:00:00Z";
    expect(due("organization.tokens_per_month", { used: 50, at }, forecast)).toEqual([]);
    expect(due("organization.tokens_per_month", { used: 100, at }, forecast)).toEqual([]);
  });

  it("waits until a tenth of the window is over", () => {
    expect(due("organization.tokens_per_day", { used: 20, at: "2026-11-15T01:23:00Z" }, forecast)).toEqual([]);
    expect(kinds(due("organization.tokens_per_day", { used: 20, at: "2026-11-15T01:24:00Z" }, forecast))).toEqual([
      "forecast",
    ]);
  });

  it("knows how long a month is", () => {
    // 14 of February's 28 days: 50 of 100 lasts just to its end, and 51 does not.
    const at = "2026-02-14T23:00:00Z";
    expect(due("organization.tokens_per_month", { used: 50, at }, forecast)).toEqual([]);
    expect(kinds(due("organization.tokens_per_month", { used: 51, at }, forecast))).toEqual(["forecast"]);
  });

  it("is none for windows that slide", () => {
    expect(due("organization.tokens_per_minute", { used: 90 }, forecast)).toEqual([]);
  });
});
