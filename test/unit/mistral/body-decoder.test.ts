import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { BodyDecoder, type Coding, codingOf } from "../../../src/mistral/body-decoder.js";

const MEGABYTE = 1024 * 1024;
const ENCODERS = [
  ["gzip", gzipSync],
  ["deflate", deflateSync],
  ["deflate", deflateRawSync],
  ["br", quickBrotli],
] as const;

function quickBrotli(bytes: Buffer): Buffer {
  return brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } });
}

interface Decoded {
  readonly bytes: number;
  readonly isSound: boolean;
}

async function decode(coding: Coding, chunks: readonly Buffer[], maxDecodedBytes = Infinity): Promise<Decoded> {
  let bytes = 0;
  const limits = { maxDecodedBytes, maxWaitingBytes: MEGABYTE };
  const decoder = new BodyDecoder(coding, (piece) => (bytes += piece.length), limits);
  for (const chunk of chunks) decoder.write(chunk);
  const isSound = await decoder.end();
  decoder.close();
  return { bytes, isSound };
}

describe("a content coding", () => {
  it.each([
    [undefined, "identity"],
    ["", "identity"],
    ["Identity", "identity"],
    ["gzip", "gzip"],
    [" X-Gzip ", "gzip"],
    ["deflate", "deflate"],
    ["BR", "br"],
    ["zstd", undefined],
    ["compress", undefined],
    ["gzip, gzip", undefined],
  ])("%j is %j", (name, coding) => {
    expect(codingOf(name)).toBe(coding);
  });
});

describe("a coded body", () => {
  it.each(ENCODERS)("in %s that is empty is nothing", async (coding) => {
    expect(await decode(coding, [])).toEqual({ bytes: 0, isSound: true });
    expect(await decode(coding, [Buffer.alloc(0)])).toEqual({ bytes: 0, isSound: true });
  });

  it.each(ENCODERS)("in %s that is spoilt is not sound", async (coding, encode) => {
    const bytes = encode(Buffer.from(Array.from({ length: 4096 }, (_, at) => (at * at * 31) % 251)));
    bytes.fill(0xff, 16, 64);
    expect((await decode(coding, [bytes])).isSound).toBe(false);
  });

  it.each(ENCODERS)("in %s that is cut is sound as far as it goes", async (coding, encode) => {
    const bytes = encode(Buffer.from("a body, a body, and no more than a body"));
    let last = 0;
    for (let length = 0; length <= bytes.length; length++) {
      const decoded = await decode(coding, [bytes.subarray(0, length)]);
      expect(decoded.isSound).toBe(true);
      expect(decoded.bytes).toBeGreaterThanOrEqual(last);
      last = decoded.bytes;
    }
    expect(last).toBe(39);
  });

  it("in gzip may come in members", async () => {
    expect(await decode("gzip", [gzipSync("ab"), gzipSync("c")])).toEqual({ bytes: 3, isSound: true });
  });

  it.each(ENCODERS)("in %s that decodes to far more than it is takes no memory for it", async (coding, encode) => {
    const bomb = encode(Buffer.alloc(128 * MEGABYTE));
    expect(bomb.length).toBeLessThan(MEGABYTE);
    let bytes = 0;
    let most = 0;
    const before = process.memoryUsage().arrayBuffers;
    const decoder = new BodyDecoder(coding, (piece) => {
      bytes += piece.length;
      if (bytes % (8 * MEGABYTE) < piece.length) most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    });
    decoder.write(bomb);
    expect(await decoder.end()).toBe(true);
    expect(bytes).toBe(128 * MEGABYTE);
    expect(most).toBeLessThan(64 * MEGABYTE);
  });

  it.each(ENCODERS)("in %s is given up where it decodes to more than the bound", async (coding, encode) => {
    const decoded = await decode(coding, [encode(Buffer.alloc(8 * MEGABYTE))], 2 * MEGABYTE);
    expect(decoded.isSound).toBe(false);
    expect(decoded.bytes).toBeLessThanOrEqual(2 * MEGABYTE);
  });

  it("is given up where it comes faster than it can be decoded", async () => {
    const chunk = gzipSync(Buffer.alloc(MEGABYTE));
    const copies = Math.ceil((2 * MEGABYTE) / chunk.length);
    const decoded = await decode(
      "gzip",
      Array.from({ length: copies }, () => chunk),
    );
    expect(decoded.isSound).toBe(false);
  });

  it.each(ENCODERS)("in %s is given up when closed, and nothing more is taken", async (coding, encode) => {
    let bytes = 0;
    const decoder = new BodyDecoder(coding, (piece) => (bytes += piece.length));
    decoder.write(encode(Buffer.alloc(MEGABYTE)));
    decoder.close();
    decoder.write(encode(Buffer.alloc(MEGABYTE)));
    expect(await decoder.end()).toBe(false);
    expect(bytes).toBe(0);
  });
});
