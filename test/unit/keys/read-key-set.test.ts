import fc from "fast-check";
import { expect, it } from "vitest";
import { readKeySet } from "../../../src/keys/read-key-set.js";

const EC = { kty: "EC", crv: "P-256", x: "a", y: "b", kid: "one" };
const set = (...keys: readonly unknown[]) => JSON.stringify({ keys });

it("public keys are taken as they stand", () => {
  expect(readKeySet(set(EC, { kty: "RSA" }))).toEqual({ kind: "good", value: { keys: [EC, { kty: "RSA" }] } });
});

it("secrets and what is no key are left out", () => {
  expect(readKeySet(set({ kty: "oct", k: "AA" }, EC, 5, null, {}, { kty: 1 }))).toEqual({
    kind: "good",
    value: { keys: [EC] },
  });
});

it.each([
  ["no JSON", "<html>", "holds no JSON Web Key Set: { keys: […] }"],
  ["a list", "[]", "holds no JSON Web Key Set: { keys: […] }"],
  ["one key", JSON.stringify(EC), "holds no JSON Web Key Set: { keys: […] }"],
  ["keys that are no list", '{"keys":{}}', "holds no JSON Web Key Set: { keys: […] }"],
  ["no key", set(), "holds no public key"],
  ["a secret alone", set({ kty: "oct", k: "AA" }), "holds no public key"],
  ["too many", set(...Array.from({ length: 101 }, () => EC)), "holds more than 100 keys"],
])("%s is no key set", (_, text, why) => {
  expect(readKeySet(text)).toEqual({ kind: "bad", why });
});

it("no text makes it throw", () => {
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    fc.anything().map((value) => JSON.stringify({ keys: value }) ?? ""),
  );
  fc.assert(fc.property(text, (one) => ["good", "bad"].includes(readKeySet(one).kind)));
});
