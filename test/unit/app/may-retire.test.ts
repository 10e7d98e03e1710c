import { describe, expect, it } from "vitest";
import type { LastUse, ListedKey } from "../../../src/app/key-ports.js";
import { mayRetire } from "../../../src/app/may-retire.js";

const HOUR = 3_600_000;
const at = (text: string) => Date.parse(`2026-11-${text}Z`);
/** When the new key had been tried. */
const SINCE = at("10T12:00:00");

const listed = (id: string, lastUse: LastUse): ListedKey => ({
  ...{ id, name: id, workspace: undefined, mask: undefined, createdAt: undefined, expiresAt: undefined },
  lastUse,
});
const instant = (text: string) => ({ kind: "instant", at: at(text) }) as const;
const day = (text: string) => ({ kind: "day", start: at(`${text}T00:00:00`) }) as const;
const NEVER = { kind: "never" } as const;
const UNKNOWN = { kind: "unknown" } as const;

function ask(now: string, old: LastUse, made: LastUse, seen: Record<string, string> = {}, looksSince = "01T00:00:00") {
  const uses = Object.entries(seen).map(([id, text]) => ({ id, lastUsed: at(text) }));
  return mayRetire({
    made: { id: "new", fingerprint: "fnew" },
    leaving: [{ id: "old", fingerprint: "fold" }],
    since: SINCE,
    graceMs: 24 * HOUR,
    now: at(now),
    listed: [listed("old", old), listed("new", made)],
    seen: { since: at(looksSince), uses },
  });
}

const until = (text: string) => ({ kind: "wait", until: at(text) });

describe("keys before a new one", () => {
  it("go once the new key is in use and they were not for the grace time", () => {
    expect(ask("11T11:59:59", NEVER, instant("10T13:00:00"))).toMatchObject(until("11T12:00:00"));
    expect(ask("11T12:00:00", NEVER, instant("10T13:00:00"))).toEqual({ kind: "now" });
    expect(ask("11T12:00:00", instant("10T18:00:00"), instant("10T13:00:00"))).toMatchObject(until("11T18:00:00"));
  });

  it("may have been used until the end of the day that the provider names", () => {
    expect(ask("11T23:00:00", day("10"), day("11"))).toMatchObject(until("12T00:00:00"));
    expect(ask("12T00:00:00", day("10"), day("11"))).toEqual({ kind: "now" });
    expect(ask("12T00:00:00", day("11"), day("11"))).toMatchObject(until("13T00:00:00"));
  });

  it("stay while the only use of the new key that is known may be its trial", () => {
    const stay = { kind: "wait", until: undefined };
    expect(ask("20T00:00:00", NEVER, NEVER)).toMatchObject(stay);
    expect(ask("20T00:00:00", NEVER, instant("10T12:00:30"))).toMatchObject(stay);
    expect(ask("20T00:00:00", NEVER, day("10"))).toMatchObject(stay);
  });

  it("go by what Windbreak itself saw where the provider says nothing", () => {
    expect(ask("11T13:00:00", UNKNOWN, UNKNOWN, { fnew: "10T12:00:05", fold: "10T12:00:01" })).toEqual({ kind: "now" });
    expect(ask("11T12:00:00", UNKNOWN, UNKNOWN, { fnew: "10T12:00:05", fold: "10T12:00:01" })).toMatchObject(
      until("11T12:00:01"),
    );
    expect(ask("11T13:00:00", UNKNOWN, UNKNOWN, { fold: "10T12:00:01" })).toMatchObject({ kind: "wait" });
  });

  it("stay where their secret was never seen and the provider says nothing: Windbreak would not know them again", () => {
    const made = { made: { id: "new", fingerprint: "fnew" }, since: SINCE, graceMs: 24 * HOUR, now: at("20T00:00:00") };
    const seen = { since: at("01T00:00:00"), uses: [{ id: "fnew", lastUsed: at("19T00:00:00") }] };
    const leaving = [{ id: "old", fingerprint: undefined }];
    const keys = { leaving, listed: [listed("old", UNKNOWN), listed("new", UNKNOWN)] };
    expect(mayRetire({ ...made, ...keys, seen })).toMatchObject({
      kind: "unwitnessed",
      why: "nobody says when key old was used last",
    });
  });

  it("may have been used until Windbreak began to look", () => {
    expect(ask("11T13:00:00", UNKNOWN, UNKNOWN, { fnew: "11T12:00:00" }, "11T09:00:00")).toMatchObject(
      until("12T09:00:00"),
    );
  });

  it("stay for the later use of those that two witnesses tell", () => {
    expect(ask("11T13:00:00", day("11"), day("11"), { fnew: "10T13:00:00", fold: "10T11:00:00" })).toMatchObject(
      until("13T00:00:00"),
    );
  });

  it("have no witness where the provider says nothing and Windbreak does not send calls with them", () => {
    expect(ask("20T00:00:00", UNKNOWN, UNKNOWN)).toEqual({
      kind: "unwitnessed",
      why: "nobody says whether the new key new is in use",
    });
    expect(ask("20T00:00:00", UNKNOWN, instant("10T13:00:00"), { fold: "10T11:00:00" })).toEqual({
      kind: "unwitnessed",
      why: "nobody says when key old was used last",
    });
  });

  it("are not waited for once the provider lists them no more", () => {
    const question = { made: { id: "new", fingerprint: "fnew" }, leaving: [{ id: "old", fingerprint: undefined }] };
    const when = { since: SINCE, graceMs: HOUR, now: SINCE, seen: undefined };
    expect(mayRetire({ ...question, ...when, listed: [listed("new", NEVER)] })).toEqual({ kind: "now" });
  });
});
