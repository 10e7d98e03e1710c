import { expect, it } from "vitest";
import { ByteReader, ByteWriter } from "../../../../src/counters/durable/bytes.js";

const FIRST_BYTES = 4096;

it.each([
  ["a byte", (to: ByteWriter) => to.u8(7), (from: ByteReader) => from.u8(), 7],
  ["four bytes", (to: ByteWriter) => to.u32(1 << 30), (from: ByteReader) => from.u32(), 1 << 30],
  ["a double", (to: ByteWriter) => to.f64(0.1), (from: ByteReader) => from.f64(), 0.1],
  ["a text", (to: ByteWriter) => to.text("zoë"), (from: ByteReader) => from.text(), "zoë"],
  ["no text", (to: ByteWriter) => to.optionalText(undefined), (from: ByteReader) => from.optionalText(), undefined],
] as const)("%s is read as it was written, wherever the bytes have to grow", (_, write, read, value) => {
  for (let before = FIRST_BYTES - 8; before <= FIRST_BYTES; before++) {
    const to = new ByteWriter();
    to.skip(before);
    write(to);
    expect(read(new ByteReader(to.bytes, before, to.length))).toEqual(value);
  }
});
