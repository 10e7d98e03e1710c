import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter } from "../../../../src/counters/durable/bytes.js";
import { beginFrame, endFrame, stretchesOf } from "../../../../src/counters/durable/frames.js";

/** Frames of these texts, one after the other. */
function framesOf(texts: readonly string[]): Buffer {
  const writer = new ByteWriter();
  for (const text of texts) {
    const start = beginFrame(writer);
    writer.text(text);
    endFrame(writer, start);
  }
  return Buffer.from(writer.bytes.subarray(0, writer.length));
}

/** The texts that can be read, with `undefined` for each stretch that cannot. */
function textsIn(bytes: Buffer): (string | undefined)[] {
  return Array.from(stretchesOf(bytes, 0), ({ kind, from, end }) =>
    kind === "record" ? new ByteReader(bytes, from, end).text() : undefined,
  );
}

const texts = fc.array(fc.string({ unit: "binary", maxLength: 40 }), { minLength: 1, maxLength: 8 });

describe("frames", () => {
  it("give back what was written, whatever it is", () => {
    fc.assert(
      fc.property(texts, (written) => {
        expect(textsIn(framesOf(written))).toEqual(written);
      }),
    );
  });

  it("cut anywhere give back all whole ones", () => {
    fc.assert(
      fc.property(texts, fc.nat(), (written, at) => {
        const bytes = framesOf(written);
        const length = at % bytes.length;
        const whole = written.filter((_, index) => framesOf(written.slice(0, index + 1)).length <= length);
        const isCut = framesOf(whole).length < length && length > 0;
        const expected = whole.length === 0 ? [] : whole;
        expect(textsIn(bytes.subarray(0, length))).toEqual(isCut ? [...expected, undefined] : expected);
      }),
    );
  });

  it("with a bit that turned in one give back all others", () => {
    fc.assert(
      fc.property(texts, fc.nat(), fc.nat({ max: 7 }), (written, at, bit) => {
        const bytes = framesOf(written);
        const place = at % bytes.length;
        bytes[place] = (bytes[place] ?? 0) ^ (1 << bit);
        const damaged = written.findIndex((_, index) => framesOf(written.slice(0, index + 1)).length > place);
        expect(textsIn(bytes)).toEqual(written.map((text, index) => (index === damaged ? undefined : text)));
      }),
    );
  });

  it("behind zeros, or behind what looks like the head of a long one, are found", () => {
    const [one, two] = [framesOf(["one"]), framesOf(["two"])];
    const lies = Buffer.from([0xd7, 0xff, 0xff, 0x0f, 1, 2, 3, 4]);
    expect(textsIn(Buffer.concat([one, Buffer.alloc(5_000), lies, two]))).toEqual(["one", undefined, "two"]);
  });

  it("hold no record of more than a mebibyte", () => {
    const writer = new ByteWriter();
    const start = beginFrame(writer);
    writer.skip(1 << 20);
    expect(() => endFrame(writer, start)).toThrow("a record of 1048576 bytes is too long to be kept");
  });
});

describe("bytes", () => {
  it("come back as they were written", () => {
    const writer = new ByteWriter();
    writer.u8(255);
    writer.u32(0xffff_ffff);
    writer.f64(Number.MAX_SAFE_INTEGER);
    writer.optionalText(undefined);
    writer.optionalText("");
    writer.text("é".repeat(30_000));
    const reader = new ByteReader(writer.bytes, 0, writer.length);
    expect([reader.u8(), reader.u32(), reader.f64(), reader.optionalText(), reader.optionalText()]).toEqual([
      255,
      0xffff_ffff,
      Number.MAX_SAFE_INTEGER,
      undefined,
      "",
    ]);
    expect(reader.text()).toBe("é".repeat(30_000));
    expect(() => reader.u8()).toThrow(RangeError);
  });

  it("hold no text of more than 65535 bytes", () => {
    expect(() => new ByteWriter().text("a".repeat(65_536))).toThrow(RangeError);
  });
});
