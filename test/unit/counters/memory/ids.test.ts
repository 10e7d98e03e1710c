import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inventRequestId, readId, requestIdIn, writeReservationId } from "../../../../src/counters/memory/ids.js";
import { secureRandom24 } from "../../../../src/counters/memory/secure-random.js";
import { seededRandom24 } from "../../../support/seeded-random.js";

const word = fc.nat({ max: 0xffffff });
const slot = fc.integer({ min: 1, max: 2 ** 36 - 1 });

describe("an id", () => {
  it("is read as it was written, whole and in its public part", () => {
    const property = fc.property(slot, word, word, word, word, word, (at, ...words) => {
      const id = writeReservationId(at, ...words);
      expect(id).toMatch(/^[A-Za-z0-9_-]{26}$/);
      expect(readId(id)).toEqual({ slot: at, words });
      expect(requestIdIn(id)).toMatch(/^[A-Za-z0-9_-]{14}$/);
      expect(readId(requestIdIn(id))).toEqual({ slot: at, words: words.slice(0, 2) });
    });
    fc.assert(property, { seed: 1 });
  });

  it.each([
    [1, [0, 0, 0, 0, 0]],
    [2 ** 24 - 1, [0xffffff, 0, 0xffffff, 0, 1]],
    [2 ** 24, [1, 2, 3, 4, 5]],
    [2 ** 32 - 1, [0xffffff, 0xffffff, 0xffffff, 0xffffff, 0xffffff]],
  ] as const)("of slot %d is another for each word", (at, [a, b, c, d, e]) => {
    const id = writeReservationId(at, a, b, c, d, e);
    expect(readId(id)).toEqual({ slot: at, words: [a, b, c, d, e] });
  });

  it.each(["", "A", "A".repeat(13), "A".repeat(15), "A".repeat(25), "A".repeat(27), "A".repeat(10), "A".repeat(512)])(
    "is not read from a text of another length: %j",
    (text) => {
      expect(readId(text)).toBeUndefined();
    },
  );

  it("is not read where any letter is not of its alphabet", () => {
    const id = writeReservationId(7, 1, 2, 3, 4, 5);
    for (const letter of [" ", "=", "+", "/", "é", "\u0000", ".", "~"]) {
      for (let at = 0; at < id.length; at++) {
        expect(readId(id.slice(0, at) + letter + id.slice(at + 1))).toBeUndefined();
      }
    }
  });

  it("means one slot and one set of words only: another letter anywhere makes another id", () => {
    const id = writeReservationId(7, 1, 2, 3, 4, 5);
    const others = Array.from(id, (letter, at) =>
      JSON.stringify(readId(id.slice(0, at) + (letter === "Z" ? "Y" : "Z") + id.slice(at + 1))),
    );
    expect(new Set([...others, JSON.stringify(readId(id))]).size).toBe(id.length + 1);
  });

  it("that is invented has the form of a request_id, and differs each time", () => {
    const random = seededRandom24(1);
    const ids = Array.from({ length: 1_000 }, () => inventRequestId(random));
    expect(new Set(ids).size).toBe(1_000);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{14}$/);
  });
});

describe("secureRandom24", () => {
  it("gives whole numbers below 2^24 in all their range, and refills its pool with others", () => {
    const random = secureRandom24();
    const drawn = Array.from({ length: 5_000 }, random);
    expect(drawn.every((number) => Number.isInteger(number) && number >= 0 && number < 2 ** 24)).toBe(true);
    expect(new Set(drawn).size).toBeGreaterThan(4_950);
    expect(Math.max(...drawn)).toBeGreaterThan(2 ** 23);
  });
});
