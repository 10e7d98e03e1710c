import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashApiKey, makeApiKey, parseApiKey } from "../../../src/identity/api-key.js";

const bytes = (count: number) => fc.uint8Array({ minLength: count, maxLength: count });
/** What a generator gave: 8 bytes for the id, 32 for the secret. */
const key = fc
  .tuple(bytes(8), bytes(32))
  .map(([id, secret]) => makeApiKey((count) => Buffer.from(count === 8 ? id : secret)));
const isKey = (text: string) => parseApiKey(text).kind === "key";

describe("an API key", () => {
  it("has 61 letters, digits and underscores, and its id in clear", () => {
    const made = makeApiKey(randomBytes);
    expect(made).toMatch(/^wb_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}$/);
    expect(parseApiKey(made)).toEqual({ kind: "key", id: made.slice(3, 11) });
    expect(hashApiKey(made)).toMatch(/^[0-9a-f]{64}$/);
  });

  it("holds each of 256 random bits", () => {
    const ofSecret = (secret: Uint8Array) =>
      makeApiKey((count) => Buffer.from(count === 8 ? new Uint8Array(8) : secret)).slice(12, 55);
    const least = new Uint8Array(32);
    const made = new Set([ofSecret(least)]);
    for (let bit = 0; bit < 256; bit++) {
      const secret = Uint8Array.from(least);
      secret[bit >> 3] = 1 << (bit & 7);
      made.add(ofSecret(secret));
    }
    expect(made.size).toBe(257);
    expect(ofSecret(new Uint8Array(32).fill(255))).not.toBe(ofSecret(new Uint8Array(32).fill(255).fill(127, 0, 1)));
  });

  it("is known as whole whatever it is made of", () => {
    fc.assert(fc.property(key, isKey));
  });

  it("that was issued once is known for good", () => {
    expect(isKey("wb_01234567_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ2fRjGX")).toBe(true);
  });

  it("that is cut short says so", () => {
    fc.assert(
      fc.property(key, fc.nat(60), (made, length) => {
        expect(parseApiKey(made.slice(0, length))).toEqual({
          kind: "none",
          why: "is cut short: a key has 61 characters",
        });
      }),
    );
  });

  it("with one wrong character, or two that changed places, is none", () => {
    const digit = fc.constantFrom(..."0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    fc.assert(
      fc.property(key, fc.integer({ min: 3, max: 60 }), digit, (made, place, wrong) => {
        fc.pre(made[place] !== wrong && place !== 11);
        expect(isKey(made.slice(0, place) + wrong + made.slice(place + 1))).toBe(false);
      }),
    );
    fc.assert(
      fc.property(key, fc.integer({ min: 12, max: 59 }), (made, place) => {
        const [one = "", two = ""] = [made[place], made[place + 1]];
        fc.pre(one !== two);
        expect(isKey(made.slice(0, place) + two + one + made.slice(place + 2))).toBe(false);
      }),
    );
  });

  it("is never taken for one where it is any other text, and reading that throws nothing", () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: "binary" }),
      key.map((made) => `${made} `),
    );
    fc.assert(
      fc.property(text, (other) => {
        expect(parseApiKey(other).kind).toBe("none");
      }),
    );
  });
});
