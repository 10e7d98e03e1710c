import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  Calendar,
  isCalendar,
  isSliding,
  laterOf,
  leavesAt,
  placeIn,
  SLIDING_MS,
  stepMs,
} from "../../../src/domain/window.js";
import { instant } from "../../support/fake-clock.js";

const DAY_MS = 86_400_000;
const KINDS = ["hour", "day", "week", "month"] as const;

const ZONES = [
  "UTC",
  "Europe/Paris",
  "America/New_York",
  "America/St_Johns",
  "Australia/Lord_Howe",
  "Asia/Kolkata",
  "Asia/Kathmandu",
  "Africa/Cairo",
  "Africa/Casablanca",
  "Asia/Beirut",
  "America/Santiago",
  "America/Nuuk",
  "Pacific/Apia",
  "Pacific/Kiritimati",
  "Pacific/Pago_Pago",
];

describe("a sliding window", () => {
  it("counts a charge for longer than itself, and for 1.1 of itself at the most", () => {
    for (const window of ["second", "minute"] as const) {
      const property = fc.property(fc.nat({ max: 4e12 }), (at) => {
        const counts = leavesAt(window, placeIn(window, new Calendar("UTC").at(0), at)) - at;
        expect(counts).toBeGreaterThan(SLIDING_MS[window]);
        expect(counts).toBeLessThanOrEqual(1.1 * SLIDING_MS[window]);
      });
      fc.assert(property, { seed: 1 });
    }
  });

  it("steps by tenths", () => {
    expect([stepMs("second"), stepMs("minute")]).toEqual([100, 6_000]);
    const windows = new Calendar("UTC").at(0);
    expect([0, 99, 100, 199].map((at) => placeIn("second", windows, at))).toEqual([0, 0, 1, 1]);
    expect([5_999, 6_000].map((at) => placeIn("minute", windows, at))).toEqual([0, 1]);
  });

  it("is what seconds and minutes are, and calendar windows are the longer ones", () => {
    const all = ["request", "second", "minute", "hour", "day", "week", "month", "in_flight"] as const;
    expect(all.filter(isSliding)).toEqual(["second", "minute"]);
    expect(all.filter(isCalendar)).toEqual(["hour", "day", "week", "month"]);
    expect(leavesAt("month", 5)).toBe(Number.POSITIVE_INFINITY);
    expect(leavesAt("in_flight", 0)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("a calendar window", () => {
  it.each([
    [
      "UTC, an ordinary day",
      "UTC",
      "2026-03-10T12:34:56.789Z",
      "2026-03-10T13:00Z",
      "2026-03-11T00:00Z",
      "2026-03-16T00:00Z",
      "2026-04-01T00:00Z",
    ],
    [
      "UTC, the first instant of everything",
      "UTC",
      "2026-06-01T00:00Z",
      "2026-06-01T01:00Z",
      "2026-06-02T00:00Z",
      "2026-06-08T00:00Z",
      "2026-07-01T00:00Z",
    ],
    [
      "UTC, the last millisecond of a year",
      "UTC",
      "2026-12-31T23:59:59.999Z",
      "2027-01-01T00:00Z",
      "2027-01-01T00:00Z",
      "2027-01-04T00:00Z",
      "2027-01-01T00:00Z",
    ],
    [
      "UTC, a leap day",
      "UTC",
      "2028-02-29T08:00Z",
      "2028-02-29T09:00Z",
      "2028-03-01T00:00Z",
      "2028-03-06T00:00Z",
      "2028-03-01T00:00Z",
    ],
    [
      "UTC, the 28th of a February without one",
      "UTC",
      "2026-02-28T08:00Z",
      "2026-02-28T09:00Z",
      "2026-03-01T00:00Z",
      "2026-03-02T00:00Z",
      "2026-03-01T00:00Z",
    ],
    [
      "UTC, a Sunday",
      "UTC",
      "2026-03-15T23:30Z",
      "2026-03-16T00:00Z",
      "2026-03-16T00:00Z",
      "2026-03-16T00:00Z",
      "2026-04-01T00:00Z",
    ],
    [
      "Paris before its gap",
      "Europe/Paris",
      "2026-03-29T00:59Z",
      "2026-03-29T01:00Z",
      "2026-03-29T22:00Z",
      "2026-03-29T22:00Z",
      "2026-03-31T22:00Z",
    ],
    [
      "Paris after it",
      "Europe/Paris",
      "2026-03-29T01:00Z",
      "2026-03-29T02:00Z",
      "2026-03-29T22:00Z",
      "2026-03-29T22:00Z",
      "2026-03-31T22:00Z",
    ],
    [
      "Paris in the first of its two hours",
      "Europe/Paris",
      "2026-10-25T00:30Z",
      "2026-10-25T01:00Z",
      "2026-10-25T23:00Z",
      "2026-10-25T23:00Z",
      "2026-10-31T23:00Z",
    ],
    [
      "Paris in the second",
      "Europe/Paris",
      "2026-10-25T01:30Z",
      "2026-10-25T02:00Z",
      "2026-10-25T23:00Z",
      "2026-10-25T23:00Z",
      "2026-10-31T23:00Z",
    ],
    [
      "New York, a month with a gap",
      "America/New_York",
      "2026-03-07T12:00Z",
      "2026-03-07T13:00Z",
      "2026-03-08T05:00Z",
      "2026-03-09T04:00Z",
      "2026-04-01T04:00Z",
    ],
    [
      "New York in its second hour",
      "America/New_York",
      "2026-11-01T06:30Z",
      "2026-11-01T07:00Z",
      "2026-11-02T05:00Z",
      "2026-11-02T05:00Z",
      "2026-12-01T05:00Z",
    ],
    [
      "Lord Howe in the half hour that comes twice",
      "Australia/Lord_Howe",
      "2026-04-04T15:10Z",
      "2026-04-04T15:30Z",
      "2026-04-05T13:30Z",
      "2026-04-05T13:30Z",
      "2026-04-30T13:30Z",
    ],
    [
      "Lord Howe before its half hour's gap",
      "Australia/Lord_Howe",
      "2026-10-03T15:10Z",
      "2026-10-03T15:30Z",
      "2026-10-04T13:00Z",
      "2026-10-04T13:00Z",
      "2026-10-31T13:00Z",
    ],
    [
      "Lord Howe after it",
      "Australia/Lord_Howe",
      "2026-10-03T15:40Z",
      "2026-10-03T16:00Z",
      "2026-10-04T13:00Z",
      "2026-10-04T13:00Z",
      "2026-10-31T13:00Z",
    ],
    [
      "Kolkata",
      "Asia/Kolkata",
      "2026-03-10T18:29:59.999Z",
      "2026-03-10T18:30Z",
      "2026-03-10T18:30Z",
      "2026-03-15T18:30Z",
      "2026-03-31T18:30Z",
    ],
    [
      "Cairo on the day without a midnight",
      "Africa/Cairo",
      "2026-04-23T22:00Z",
      "2026-04-23T23:00Z",
      "2026-04-24T21:00Z",
      "2026-04-26T21:00Z",
      "2026-04-30T21:00Z",
    ],
    [
      "Cairo on the day whose last hour comes twice",
      "Africa/Cairo",
      "2026-10-29T20:30Z",
      "2026-10-29T21:00Z",
      "2026-10-29T22:00Z",
      "2026-11-01T22:00Z",
      "2026-10-31T22:00Z",
    ],
    [
      "Apia on the day before the skipped one",
      "Pacific/Apia",
      "2011-12-30T09:30Z",
      "2011-12-30T10:00Z",
      "2011-12-30T10:00Z",
      "2012-01-01T10:00Z",
      "2011-12-31T10:00Z",
    ],
    [
      "Apia on the day after it",
      "Pacific/Apia",
      "2011-12-30T10:00Z",
      "2011-12-30T11:00Z",
      "2011-12-31T10:00Z",
      "2012-01-01T10:00Z",
      "2011-12-31T10:00Z",
    ],
  ])("of %s ends when its calendar says", (_, zone, at, ...ends) => {
    const windows = new Calendar(zone).at(instant(at));
    expect(KINDS.map((kind) => new Date(windows[kind].end).toISOString())).toEqual(
      ends.map((end) => new Date(end).toISOString()),
    );
    expect(windows.until).toBe(Math.min(...ends.map(instant)));
  });

  it("is labelled by its starting instant, its date, its Monday or its month", () => {
    const { hour, day, week, month } = new Calendar("Asia/Kolkata").at(instant("2026-03-11T20:40Z"));
    expect(hour.label * 60_000).toBe(instant("2026-03-11T20:30Z"));
    expect(new Date(day.label * DAY_MS).toISOString()).toBe("2026-03-12T00:00:00.000Z");
    expect(new Date(week.label * DAY_MS).toISOString()).toBe("2026-03-09T00:00:00.000Z");
    expect(month.label).toBe(2026 * 12 + 3);
  });

  it("has one label for one window, in whatever second it is looked at", () => {
    const label = (at: string) => new Calendar("UTC").at(instant(at)).week.label;
    expect(label("2026-03-09T00:00Z") - label("2026-03-08T23:59:59.999Z")).toBe(7);
    const sunday = new Calendar("UTC").at(instant("2026-03-15T12:00Z"));
    expect(new Calendar("UTC").at(instant("2026-03-09T00:00Z")).week).toEqual(sunday.week);
  });

  it("is over at the first instant of another local date, in every zone and at any time", () => {
    const property = fc.property(
      fc.constantFrom(...ZONES),
      fc.integer({ min: instant("2012-01-01T00:00Z"), max: instant("2035-01-01T00:00Z") }),
      (zone, at) => {
        const date = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short" });
        const { day, month, week, hour } = new Calendar(zone).at(at);
        expect(date.format(day.end - 1)).toBe(date.format(at));
        expect(date.format(day.end) > date.format(at)).toBe(true);
        expect(date.format(month.end - 1).slice(0, 7)).toBe(date.format(at).slice(0, 7));
        expect(date.format(month.end).slice(8)).toBe("01");
        expect(new Date(`${date.format(week.end)}T00:00Z`).getUTCDay()).toBe(1);
        expect(week.end - at).toBeLessThanOrEqual(7 * DAY_MS + 3_600_000);
        expect(week.end).toBeGreaterThan(at);
        expect(hour.end).toBeGreaterThan(at);
        expect(hour.end - hour.label * 60_000).toBeLessThanOrEqual(3_600_000);
      },
    );
    fc.assert(property, { numRuns: 150, seed: 1 });
  });

  it.each([
    ["UTC", "2026-12-31T23:00Z"],
    ["Europe/Paris", "2026-03-29T01:00Z"],
    ["Europe/Paris", "2026-10-25T01:00Z"],
    ["America/New_York", "2026-11-01T06:00Z"],
    ["Australia/Lord_Howe", "2026-04-04T15:00Z"],
    ["Australia/Lord_Howe", "2026-10-03T15:30Z"],
    ["Asia/Kolkata", "2026-03-31T18:30Z"],
    ["Africa/Cairo", "2026-04-23T22:00Z"],
    ["Africa/Cairo", "2026-10-29T21:00Z"],
    ["Asia/Beirut", "2026-10-24T21:00Z"],
    ["America/Santiago", "2026-09-06T04:00Z"],
    ["America/Nuuk", "2026-10-25T01:00Z"],
    ["Pacific/Apia", "2011-12-30T10:00Z"],
  ])(
    "in %s around %s never goes back, turns exactly at its end, and is what a calendar that begins now says",
    (zone, change) => {
      const running = new Calendar(zone);
      let before = running.at(instant(change) - DAY_MS);
      for (let offset = -DAY_MS; offset < DAY_MS; offset += 900_000) {
        const at = instant(change) + offset;
        const windows = running.at(at);
        if (Math.abs(offset) < 7_200_000 || windows.day !== before.day)
          expect(windows).toEqual(new Calendar(zone).at(at));
        for (const kind of KINDS) {
          if (before[kind].label === windows[kind].label) continue;
          expect(windows[kind].label).toBeGreaterThan(before[kind].label);
          expect(before[kind].end).toBe(at);
        }
        before = windows;
      }
    },
  );

  it("never goes back where a zone's date once did: St John's at one past midnight", () => {
    const calendar = new Calendar("America/St_Johns");
    let last = calendar.at(instant("2010-11-07T00:00Z"));
    for (let at = instant("2010-11-07T00:00Z"); at < instant("2010-11-07T06:00Z"); at += 10_000) {
      const windows = calendar.at(at);
      for (const kind of KINDS) expect(windows[kind].label).toBeGreaterThanOrEqual(last[kind].label);
      expect(windows.until).toBeGreaterThan(at);
      last = windows;
    }
  });
});

describe("a calendar", () => {
  it("gives the same object until a window turns", () => {
    const calendar = new Calendar("Europe/Paris");
    const windows = calendar.at(instant("2026-03-10T12:10Z"));
    expect(calendar.at(windows.until - 1)).toBe(windows);
    const next = calendar.at(windows.until);
    expect(next).not.toBe(windows);
    expect([next.day, next.week, next.month]).toEqual([windows.day, windows.week, windows.month]);
  });

  it("turns all windows that are over, however long nobody asked", () => {
    const calendar = new Calendar("UTC");
    calendar.at(instant("2026-03-10T12:10Z"));
    const later = instant("2027-07-04T15:20Z");
    expect(calendar.at(later)).toEqual(new Calendar("UTC").at(later));
  });

  it("keeps its windows when the clock steps back", () => {
    const calendar = new Calendar("Europe/Paris");
    calendar.at(instant("2026-03-10T22:59:59Z"));
    const windows = calendar.at(instant("2026-03-10T23:00:00Z"));
    for (const back of ["2026-03-10T22:59:59.999Z", "2026-03-10T12:00Z", "2026-02-01T00:00Z"]) {
      expect(calendar.at(instant(back))).toBe(windows);
    }
    expect(calendar.at(instant("2026-03-11T00:00Z")).day).toEqual(windows.day);
  });

  it("does not know a zone that does not exist", () => {
    expect(() => new Calendar("Mars/Olympus")).toThrow(RangeError);
    expect(new Calendar("Asia/Kolkata").timezone).toBe("Asia/Kolkata");
  });
});

describe("a calendar that replaces another", () => {
  const at = instant("2026-03-10T12:00Z");
  const edited = (from: string, to: string, now = at) => new Calendar(to, new Calendar(from).at(now));

  it("keeps labels that are its own too, and moves their ends", () => {
    const before = new Calendar("Europe/Paris").at(at);
    const after = edited("Europe/Paris", "America/New_York").at(at);
    expect(KINDS.map((kind) => after[kind].label)).toEqual(KINDS.map((kind) => before[kind].label));
    expect(after).toEqual(new Calendar("America/New_York").at(at));
  });

  it("keeps a label that is ahead of its own until it has passed it", () => {
    const calendar = edited("Pacific/Kiritimati", "America/New_York");
    const kept = calendar.at(at);
    expect(new Date(kept.day.label * DAY_MS).toISOString()).toBe("2026-03-11T00:00:00.000Z");
    expect(kept.day.end).toBe(instant("2026-03-12T04:00Z"));
    expect(calendar.at(instant("2026-03-12T03:59:59.999Z")).day).toEqual(kept.day);
    expect(calendar.at(instant("2026-03-12T04:00Z")).day).toEqual(
      new Calendar("America/New_York").at(instant("2026-03-12T04:00Z")).day,
    );
  });

  it("keeps a week and a month that are ahead of its own until it has passed them", () => {
    const now = instant("2026-05-31T22:00Z");
    const kept = edited("Pacific/Kiritimati", "UTC", now).at(now);
    expect(new Date(kept.week.label * DAY_MS).toISOString()).toBe("2026-06-01T00:00:00.000Z");
    expect([kept.week.end, kept.month.end]).toEqual([instant("2026-06-08T00:00Z"), instant("2026-07-01T00:00Z")]);
    expect(kept.month.label).toBe(2026 * 12 + 6);
  });

  it("keeps a day that began a day and more before its own for as long as that takes", () => {
    const now = instant("2026-03-10T10:30Z");
    const calendar = edited("Pacific/Kiritimati", "Pacific/Pago_Pago", now);
    expect(new Date(calendar.at(now).day.label * DAY_MS).toISOString()).toBe("2026-03-11T00:00:00.000Z");
    expect(calendar.at(now).day.end).toBe(instant("2026-03-12T11:00Z"));
  });

  it("takes up a later label at once", () => {
    const after = edited("America/New_York", "Pacific/Kiritimati").at(at);
    expect(after).toEqual(new Calendar("Pacific/Kiritimati").at(at));
  });

  it.each([
    ["Asia/Kolkata", "UTC", "2026-03-10T12:45Z", "2026-03-10T12:30Z", "2026-03-10T13:00Z"],
    ["UTC", "Asia/Kolkata", "2026-03-10T12:10Z", "2026-03-10T12:00Z", "2026-03-10T12:30Z"],
    ["UTC", "Asia/Kathmandu", "2026-03-10T12:10Z", "2026-03-10T12:00Z", "2026-03-10T12:15Z"],
    ["UTC", "Asia/Kolkata", "2026-03-10T12:40Z", "2026-03-10T12:30Z", "2026-03-10T13:30Z"],
  ])("of %s by %s at %s keeps the hour that began at %s, till %s", (from, to, now, began, end) => {
    const calendar = edited(from, to, instant(now));
    const { hour } = calendar.at(instant(now));
    expect([hour.label * 60_000, hour.end]).toEqual([instant(began), instant(end)]);
    expect(calendar.at(instant(end)).hour.label).toBeGreaterThan(hour.label);
    expect(calendar.at(instant(end))).toEqual(new Calendar(to).at(instant(end)));
  });
});

describe("the later of two sets of windows", () => {
  const early = new Calendar("UTC").at(instant("2026-03-10T12:00Z"));
  const late = new Calendar("UTC").at(instant("2026-03-11T01:00Z"));

  it("is the later one of each kind", () => {
    expect(laterOf(early, late)).toEqual(late);
    const { hour, day, week, month } = laterOf(late, early);
    expect({ hour, day, week, month }).toEqual({
      hour: late.hour,
      day: late.day,
      week: early.week,
      month: early.month,
    });
  });

  it("has the end that was said last, where both have one label", () => {
    const moved = { ...early, day: { ...early.day, end: early.day.end + 5 } };
    expect(laterOf(early, moved).day.end).toBe(early.day.end + 5);
    expect(laterOf(moved, early).day.end).toBe(early.day.end);
  });
});
