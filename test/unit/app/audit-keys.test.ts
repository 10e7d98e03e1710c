import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AuditRules, auditKeys, type Sighting } from "../../../src/app/audit-keys.js";
import type { LastUse, ListedKey } from "../../../src/app/key-ports.js";
import { instant } from "../../support/fake-clock.js";

const NOW = instant("2026-11-29T12:00:00Z");
const DAY_MS = 86_400_000;
const ago = (days: number) => NOW - days * DAY_MS;

const RULES: AuditRules = {
  unusedMs: 30 * DAY_MS,
  expiringMs: 14 * DAY_MS,
  everyMs: 90 * DAY_MS,
  workspaces: new Map([["w1", "dev"]]),
  namesAreUnique: true,
};

/** A key that nothing is to be said of. */
const key = (words: Partial<ListedKey> = {}): ListedKey => ({
  id: "k1",
  name: "dev-1",
  workspace: { id: "w1", name: "Development" },
  mask: undefined,
  createdAt: ago(10),
  expiresAt: undefined,
  lastUse: { kind: "instant", at: ago(1) },
  ...words,
});

function audited(keys: readonly ListedKey[], seen: Partial<Sighting> = {}, rules: Partial<AuditRules> = {}) {
  const sighting = { lastUsed: undefined, since: undefined, isInForce: undefined, ...seen };
  const sightings = new Map([["k1", sighting]]);
  return auditKeys({ keys, sightings, rules: { ...RULES, ...rules }, now: NOW });
}
const kinds = (...input: Parameters<typeof audited>) =>
  audited(...input).map(({ findings }) => findings.map(({ kind }) => kind));
const used = (lastUse: LastUse, seen: Partial<Sighting> = {}) => kinds([key({ lastUse })], seen)[0];

describe("an audit of keys", () => {
  it("finds nothing in a key that is young, placed and in use", () => {
    expect(audited([key()])).toEqual([
      {
        key: key(),
        workspace: "dev",
        lastUse: { kind: "instant", at: ago(1) },
        isInForce: undefined,
        findings: [],
      },
    ]);
  });

  it("finds a key unused from the 30th day on, and by the clock where the instant is known", () => {
    expect(used({ kind: "instant", at: ago(30) })).toEqual(["unused"]);
    expect(used({ kind: "instant", at: ago(30) + 1 })).toEqual([]);
    expect(audited([key({ lastUse: { kind: "instant", at: ago(45) } })])[0]?.findings).toEqual([
      { kind: "unused", forMs: 45 * DAY_MS },
    ]);
  });

  it("takes a day for its end, because the use may have been then", () => {
    const day = (text: string): LastUse => ({ kind: "day", start: instant(`${text}T00:00:00Z`) });
    expect(used(day("2026-10-30"))).toEqual([]);
    expect(used(day("2026-10-29"))).toEqual(["unused"]);
  });

  it("goes by what Windbreak saw where that is later, or finer", () => {
    const lastUse = (told: LastUse, lastUsed: number) => audited([key({ lastUse: told })], { lastUsed })[0]?.lastUse;
    const today: LastUse = { kind: "day", start: instant("2026-11-29T00:00:00Z") };
    expect(lastUse(today, NOW - 1)).toEqual({ kind: "instant", at: NOW - 1 });
    expect(lastUse(today, ago(1))).toEqual(today);
    expect(lastUse({ kind: "instant", at: ago(2) }, ago(3))).toEqual({ kind: "instant", at: ago(2) });
    expect(lastUse({ kind: "never" }, ago(3))).toEqual({ kind: "instant", at: ago(3) });
    expect(used({ kind: "instant", at: ago(60) }, { lastUsed: ago(2) })).toEqual([]);
  });

  it("finds a key that was never used, once it is a day old", () => {
    const never = { lastUse: { kind: "never" } as const };
    expect(kinds([key({ ...never, createdAt: ago(1) })])).toEqual([["never_used"]]);
    expect(kinds([key({ ...never, createdAt: ago(1) + 1 })])).toEqual([[]]);
    expect(kinds([key({ ...never, createdAt: undefined })])).toEqual([["never_used"]]);
  });

  it("finds a key of whose use Windbreak alone could know once it has looked long enough", () => {
    expect(used({ kind: "unknown" })).toEqual([]);
    expect(used({ kind: "unknown" }, { since: ago(29) })).toEqual([]);
    const unknown = { lastUse: { kind: "unknown" }, createdAt: undefined } as const;
    expect(kinds([key(unknown)], { since: ago(30) })).toEqual([["not_seen"]]);
  });

  it("finds no key unseen for longer than it has been there", () => {
    const unknown = { lastUse: { kind: "unknown" } } as const;
    expect(kinds([key({ ...unknown, createdAt: ago(10) })], { since: ago(60) })).toEqual([[]]);
    const [audit] = audited([key({ ...unknown, createdAt: ago(40) })], { since: ago(60) });
    expect(audit?.findings).toEqual([{ kind: "not_seen", since: ago(40) }]);
  });

  it("finds what is old, what ends and what has ended", () => {
    expect(kinds([key({ createdAt: ago(90) })])).toEqual([["old"]]);
    expect(kinds([key({ createdAt: ago(90) + 1 })])).toEqual([[]]);
    expect(kinds([key({ createdAt: undefined })])).toEqual([[]]);
    expect(kinds([key({ expiresAt: ago(-14) })])).toEqual([["expiring"]]);
    expect(kinds([key({ expiresAt: ago(-14) + 1 })])).toEqual([[]]);
    expect(kinds([key({ expiresAt: NOW })])).toEqual([["expired"]]);
  });

  it("finds a workspace that nobody knows, unless the list names none", () => {
    expect(kinds([key({ workspace: { id: "w9", name: "Else" } })])).toEqual([["unknown_workspace"]]);
    expect(kinds([key({ workspace: undefined })])).toEqual([[]]);
    expect(kinds([key({ workspace: { id: "w9", name: "Else" } })], {}, { workspaces: undefined })).toEqual([[]]);
  });

  it("finds a name that two keys have", () => {
    expect(kinds([key(), key({ id: "k2" }), key({ id: "k3", name: "ml-1" })])).toEqual([
      ["name_twice"],
      ["name_twice"],
      [],
    ]);
    expect(kinds([key({ name: "" }), key({ id: "k2", name: "" })])).toEqual([[], []]);
    expect(kinds([key(), key({ id: "k2" })], {}, { namesAreUnique: false })).toEqual([[], []]);
  });

  it("finds no key unused that was used within the span, whoever tells and however coarsely", () => {
    const at = fc.integer({ min: ago(29.999), max: NOW });
    fc.assert(
      fc.property(at, fc.boolean(), (lastUsed, isDay) => {
        const start = lastUsed - (lastUsed % DAY_MS);
        expect(used(isDay ? { kind: "day", start } : { kind: "instant", at: lastUsed })).toEqual([]);
      }),
    );
  });
});
