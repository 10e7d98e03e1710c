import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Rotation, readRotation, writeRotation } from "../../../src/app/rotation.js";

const key = fc.record({ id: fc.string({ minLength: 1 }), fingerprint: fc.option(fc.string(), { nil: undefined }) });
const made = fc.record({ id: fc.string({ minLength: 1 }), fingerprint: fc.string() });
const begun = {
  workspace: fc.constant("dev"),
  name: fc.string({ minLength: 1 }),
  attempt: fc.integer({ min: 1, max: 1_000 }),
  startedAt: fc.nat(),
  since: fc.nat(),
  leaving: fc.array(key),
};
const steps = ["store", "propagate", "verify", "retire", "revoke"] as const;
const rotations: fc.Arbitrary<Rotation> = fc.oneof(
  fc.record({ ...begun, step: fc.constant("create" as const) }),
  ...steps.map((step) => fc.record({ ...begun, step: fc.constant(step), made })),
  fc.record({ ...begun, step: fc.constant("undo" as const), made, why: fc.string() }),
  fc.record({
    step: fc.constant("ended" as const),
    workspace: fc.constant("dev"),
    outcome: fc.constantFrom("done" as const, "undone" as const, "abandoned" as const),
    at: fc.nat(),
    key: fc.option(key, { nil: undefined }),
    why: fc.option(fc.string(), { nil: undefined }),
  }),
);

describe("the record of a rotation", () => {
  it("is read as it was written", () => {
    fc.assert(
      fc.property(rotations, (rotation) => {
        expect(readRotation(writeRotation(rotation), "dev")).toEqual(rotation);
      }),
    );
  });

  it("is none where anything of it is cut off, or it is another workspace's", () => {
    fc.assert(
      fc.property(rotations, fc.nat(), (rotation, cut) => {
        const text = writeRotation(rotation);
        expect(readRotation(text.slice(0, cut % text.length), "dev")).toBeUndefined();
        expect(readRotation(text, "ml")).toBeUndefined();
      }),
    );
  });

  it("is none where it is any other text, or of a version to come", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => readRotation(text, "dev") === undefined));
    const ended = { step: "ended", workspace: "dev", outcome: "done", at: 1 };
    expect(readRotation(JSON.stringify({ version: 1, ...ended }), "dev")).toMatchObject(ended);
    expect(readRotation(JSON.stringify({ version: 2, ...ended }), "dev")).toBeUndefined();
    expect(readRotation(JSON.stringify({ version: 1, ...ended, more: 1 }), "dev")).toBeUndefined();
  });
});
