import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readKeyPage, readMadeKey } from "../../../../src/mistral/admin/read-keys.js";
import { instant } from "../../../support/fake-clock.js";

const only = (fields: object) => readKeyPage([{ id: "k", ...fields }])?.[0];

describe("a page of keys", () => {
  const row = { key_id: "k1", name: "a" };

  it.each([
    ["a list", [row]],
    ["a list under keys", { keys: [row] }],
    ["a list under data", { object: "list", data: [{ id: "k1", name: "a" }] }],
  ])("is read as %s", (_, body) => {
    expect(readKeyPage(body)).toMatchObject([{ id: "k1", name: "a", lastUse: { kind: "unknown" } }]);
  });

  it.each([
    ["2026-11-20", { kind: "day", start: instant("2026-11-20T00:00:00Z") }],
    ["2026-11-20T09:30:00Z", { kind: "instant", at: instant("2026-11-20T09:30:00Z") }],
    ["2026-11-20T09:30:00.123456+02:00", { kind: "instant", at: instant("2026-11-20T07:30:00.123Z") }],
    ["2026-11-20T09:30:00", { kind: "instant", at: instant("2026-11-20T09:30:00Z") }],
    ["2026-11-20 09:30:00.5", { kind: "instant", at: instant("2026-11-20T09:30:00.500Z") }],
    [1_763_631_000, { kind: "instant", at: 1_763_631_000_000 }],
    [1_763_631_000_000, { kind: "instant", at: 1_763_631_000_000 }],
    [null, { kind: "never" }],
    ["", { kind: "never" }],
    ["yesterday", { kind: "unknown" }],
    [1e300, { kind: "unknown" }],
    [{}, { kind: "unknown" }],
  ])("tells the last use %j whatever its form and its name", (written, lastUse) => {
    expect(only({ last_used: written })?.lastUse).toEqual(lastUse);
    expect(only({ last_used_at: written })?.lastUse).toEqual(lastUse);
  });

  it("tells the workspace by any of its names", () => {
    expect(only({ workspace_uuid: "w", workspace_name: "n" })?.workspace).toEqual({ id: "w", name: "n" });
    expect(only({ workspace: { id: "w", name: "n" } })?.workspace).toEqual({ id: "w", name: "n" });
    expect(only({})?.workspace).toBeUndefined();
  });

  it("never holds a secret, though a server sends one", () => {
    const secret = "HQSx0123456789abcdefUg6Y";
    expect(JSON.stringify(only({ key: secret, api_key: secret, hidden_key: secret }))).not.toContain(secret);
    expect(only({ hidden_key: "HQSx...Ug6Y" })?.mask).toBe("HQSx...Ug6Y");
  });

  it("that is read never throws, whatever the JSON", () => {
    const anything = fc.jsonValue();
    fc.assert(
      fc.property(anything, anything, anything, (body, value, other) => {
        readKeyPage(body);
        readMadeKey(body);
        const row = { id: "k", name: value, last_used: other, created_at: value, workspace: other, hidden_key: value };
        expect(readKeyPage({ keys: [row] })).toHaveLength(1);
      }),
    );
  });
});

describe("a key that was made", () => {
  it.each(["key", "api_key", "apiKey"])("has its secret under %s", (name) => {
    expect(readMadeKey({ id: "k", [name]: "0123456789abcdef" })).toMatchObject({ id: "k", secret: "0123456789abcdef" });
  });

  it.each(["HQSx...Ug6Y", "HQSx********Ug6Y", "two words", "short", "line\nbreak", null, 5])(
    "has no secret in %j",
    (key) => {
      expect(readMadeKey({ id: "k", key })?.secret).toBeUndefined();
    },
  );
});
