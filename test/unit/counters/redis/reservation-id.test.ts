import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeSecret, readReservationId, writeReservationId } from "../../../../src/counters/redis/reservation-id.js";
import { seededRandom24 } from "../../../support/seeded-random.js";
import { likeNames, reservationNames } from "./names.js";

const secrets = fc.uint8Array({ minLength: 9, maxLength: 9 }).map((bytes) => Buffer.from(bytes));
const SECRET = Buffer.from("000102030405060708", "hex");
const LONGEST = { workspace: "w".repeat(64), principal: "p".repeat(128), requestId: "r".repeat(128) };
const ID = writeReservationId(SECRET, { workspace: "dev", principal: "ann" }, "req-1");

describe("a reservation_id", () => {
  it("is read as it was written, for every legal name", () => {
    const property = fc.property(secrets, reservationNames, (secret, names) => {
      const id = writeReservationId(secret, names, names.requestId);
      expect(id.length).toBeLessThanOrEqual(512);
      expect(id).toMatch(/^[!-~]+$/);
      expect(readReservationId(id)).toEqual({ ...names, secret });
    });
    fc.assert(property, { seed: 1, numRuns: 300 });
  });

  it("has room for the longest names", () => {
    const id = writeReservationId(SECRET, LONGEST, LONGEST.requestId);
    expect(readReservationId(id)).toEqual({ ...LONGEST, secret: SECRET });
    expect(id.length).toBe(12 + 2 + 128 + 2 + 64 + 128);
  });

  it("is laid out as those that are stored: it must be read by every version that shares a store", () => {
    expect(ID).toBe("AAECAwQFBgcI05req-103devann");
  });

  it("is never that of two reservations", () => {
    const property = fc.property(likeNames, likeNames, (one, other) => {
      const ids = [one, other].map((names) => writeReservationId(SECRET, names, names.requestId));
      expect(ids[0] === ids[1]).toBe(JSON.stringify(one) === JSON.stringify(other));
    });
    fc.assert(property, { seed: 1, numRuns: 2_000 });
  });

  it("is another for another secret", () => {
    const names = { workspace: "dev", principal: "ann" };
    const ids = Array.from({ length: 9 }, (_, at) => {
      const secret = Buffer.from(SECRET);
      secret.writeUInt8(255, at);
      return writeReservationId(secret, names, "req-1");
    });
    expect(new Set([...ids, ID]).size).toBe(10);
  });
});

describe("a text that is no reservation_id", () => {
  it.each([
    "",
    "AAECAwQFBgcI",
    "AAECAwQFBgcI05req-103dev",
    "AAECAwQFBgcI00" + "03devann",
    "AAECAwQFBgcI05req-100ann",
    "AAECAwQFBgcI05req-1zzdevann",
    "AAECAwQFBgcI05REQ-1-3devann",
    "AAECAwQFBgcI 5req-103devann",
    "AAECAwQFBgc=05req-103devann",
    "AAECAwQFBgc05req-103devann",
    "AAECAwQF+/cI05req-103devann",
    "AAECAwQFBgcI05req 103devann",
    "AAECAwQFBgcI05req-103devann ",
    "AAECAwQFBgcI05req-103devan\n",
    "AAECAwQFBgcI05réq-103devann",
    "AAECAwQFBgcI05req-103dev\u{1f600}",
    "x".repeat(512),
  ])("means nothing: %j", (text) => {
    expect(readReservationId(text)).toBeUndefined();
  });

  it("is any part of one that lacks its end, and any that holds another kind of letter", () => {
    const wholeUpTo = ID.length - "ann".length;
    const cut = Array.from({ length: wholeUpTo + 1 }, (_, length) => ID.slice(0, length));
    const spoilt = [" ", "\u0000", "\u007f", "é", "\u{1f600}"].flatMap((letter) =>
      Array.from(ID, (_, at) => ID.slice(0, at) + letter + ID.slice(at + 1)),
    );
    expect([...cut, ...spoilt].map(readReservationId)).toEqual([...cut, ...spoilt].map(() => undefined));
  });

  it("never has a second spelling, and never throws", () => {
    const letter = fc.constantFrom("A", "Z", "+", "/", "=", "-", "_", "0", "1", "3", "a", "z", " ", "\n", "é");
    const texts = fc.oneof(fc.string(), fc.string({ unit: letter, maxLength: 40 }), fc.string({ unit: "binary" }));
    const property = fc.property(texts, (text) => {
      const read = readReservationId(text);
      if (read) expect(writeReservationId(read.secret, read, read.requestId)).toBe(text);
    });
    fc.assert(property, { seed: 1, numRuns: 3_000 });
  });
});

describe("a secret", () => {
  it("is nine bytes of chance, another each time", () => {
    const random = seededRandom24(1);
    const made = Array.from({ length: 1_000 }, () => makeSecret(random));
    expect(made.every(({ length }) => length === 9)).toBe(true);
    expect(new Set(made.map(String)).size).toBe(1_000);
    for (let at = 0; at < 9; at++) expect(new Set(made.map((secret) => secret[at])).size).toBeGreaterThan(200);
  });
});
