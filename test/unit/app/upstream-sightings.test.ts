import { describe, expect, it } from "vitest";
import type { ListedKey } from "../../../src/app/key-ports.js";
import { type HeldSecret, upstreamSightings } from "../../../src/app/upstream-sightings.js";
import { fingerprintOf } from "../../../src/domain/fingerprint.js";

const SECRET = "HQSx0123456789abcdefUg6Y";
const key = (id: string, mask: string | undefined, workspace: string | undefined = "w1"): ListedKey => ({
  id,
  name: id,
  workspace: workspace === undefined ? undefined : { id: workspace, name: undefined },
  mask,
  createdAt: undefined,
  expiresAt: undefined,
  lastUse: { kind: "unknown" },
});
const holds = (...held: readonly HeldSecret[]) => new Map([["w1", held]]);
const secret: HeldSecret = { kind: "secret", secret: SECRET };
const inForce = (listed: ListedKey, held: ReadonlyMap<string, readonly HeldSecret[]>) =>
  upstreamSightings([listed], held, undefined).get(listed.id)?.isInForce;

describe("the key in force", () => {
  it("is the one of whose secret this is shown", () => {
    const keys = [key("a", "HQSx...Ug6Y"), key("b", "HQSx...AAAA"), key("c", "AAAA...Ug6Y")];
    const sightings = upstreamSightings(keys, holds(secret), undefined);
    expect([...sightings.values()].map(({ isInForce }) => isInForce)).toEqual([true, false, false]);
  });

  it("is known where two workspaces of the policy share one of Mistral's", () => {
    const other: HeldSecret = { kind: "secret", secret: "ZZZZ0123456789abcdefYYYY" };
    expect(inForce(key("a", "HQSx...Ug6Y"), holds(secret, other))).toBe(true);
    expect(inForce(key("a", "HQSx...Ug6Y"), holds(other, secret))).toBe(true);
    expect(inForce(key("a", "AAAA...AAAA"), holds(secret, other))).toBe(false);
    expect(inForce(key("a", "AAAA...AAAA"), holds(secret, { kind: "unreadable", why: "a command" }))).toBeUndefined();
  });

  it("is known in its own workspace only", () => {
    expect(inForce(key("a", "HQSx...Ug6Y", "w2"), holds(secret))).toBeUndefined();
  });

  it.each([
    ["nothing is shown of its secret", key("a", undefined), holds(secret)],
    ["its sink gives nothing back", key("a", "AAAA...AAAA"), holds({ kind: "unreadable", why: "a command" })],
    ["too little is shown", key("a", "H...Y"), holds(secret)],
  ])("is not known where %s", (_, listed, held) => {
    expect(inForce(listed, held)).not.toBe(true);
  });

  it("is no key where the sink is empty", () => {
    expect(inForce(key("a", undefined), holds({ kind: "empty" }))).toBe(false);
  });

  it("was used when Windbreak saw its fingerprint", () => {
    const seen = { since: 5, upstream: [{ fingerprint: fingerprintOf(SECRET), lastUsed: 7 }] };
    const sightings = upstreamSightings([key("a", "HQSx...Ug6Y"), key("b", "AAAA...AAAA")], holds(secret), seen);
    expect(sightings.get("a")).toEqual({ lastUsed: 7, since: 5, isInForce: true });
    expect(sightings.get("b")).toMatchObject({ lastUsed: undefined, since: undefined });
  });
});
