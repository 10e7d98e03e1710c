import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteFields } from "../../../../src/transport/envoy/byte-fields.js";

interface Field {
  readonly number: number;
  readonly content: Buffer | bigint;
}

const field: fc.Arbitrary<Field> = fc.record({
  number: fc.integer({ min: 1, max: 2 ** 29 - 1 }),
  content: fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  ),
});

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 128n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
  return Buffer.from([...bytes, Number(left)]);
}

function written({ number, content }: Field): Buffer {
  const tag = BigInt(number) * 8n;
  if (typeof content === "bigint") return Buffer.concat([varint(tag), varint(content)]);
  return Buffer.concat([varint(tag + 2n), varint(BigInt(content.length)), content]);
}

function walked(bytes: Buffer) {
  const fields = new ByteFields(bytes, 0, bytes.length);
  const found = [];
  while (fields.next()) {
    const { number, from, start, end } = fields;
    found.push({ number, whole: bytes.subarray(from, end), content: bytes.subarray(start, end) });
  }
  return found;
}

describe("the walk through a message's fields", () => {
  it("stops at each field of bytes, in order, and passes over numbers", () => {
    fc.assert(
      fc.property(fc.array(field), (fields) => {
        const expected = fields.flatMap((one) =>
          typeof one.content === "bigint" ? [] : [{ ...one, whole: written(one) }],
        );
        expect(walked(Buffer.concat(fields.map(written)))).toEqual(expected);
      }),
    );
  });

  it("passes over numbers of fixed size", () => {
    const fixed = Buffer.concat([
      Buffer.from([0x09]),
      Buffer.alloc(8, 0xff),
      Buffer.from([0x15]),
      Buffer.alloc(4, 0xff),
    ]);
    expect(walked(Buffer.concat([fixed, Buffer.from([0x1a, 1, 7])]))).toMatchObject([{ number: 3 }]);
  });

  it.each([
    ["a length beyond the end", [0x0a, 5, 1]],
    ["a number that is cut", [0x08, 0x80]],
    ["a fixed number that is cut", [0x09, 1, 2]],
    ["field 0", [0x02, 0]],
    ["a group", [0x0b]],
    ["a number without an end", [0x08, ...Array.from({ length: 11 }, () => 0xff)]],
  ])("refuses %s", (_, bytes) => {
    expect(() => walked(Buffer.from(bytes))).toThrow("no protobuf message");
  });
});
