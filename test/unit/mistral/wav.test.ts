import { describe, expect, it } from "vitest";
import { wavSeconds } from "../../../src/mistral/wav.js";
import { wav } from "./wav-file.js";

describe("how long a WAV file lasts", () => {
  it.each([
    [{}, 2],
    [{ sound: 16_000 * 2 * 2 + 1 }, 3],
    [{ sound: 0 }, 1],
    [{ sampleRate: 48_000, channels: 2, bits: 24, sound: 48_000 * 6 * 10 }, 10],
    [{ before: [["LIST", 11]] as const }, 2],
  ])("is known of plain PCM: %j", (file, seconds) => {
    expect(wavSeconds(wav(file))).toBe(seconds);
  });

  it("counts all bytes behind the start of the sound, whatever the file says", () => {
    expect(wavSeconds(wav({ saidSound: 0 }))).toBe(2);
    expect(wavSeconds(wav({ saidSound: 0xffffffff }))).toBe(2);
    expect(wavSeconds(Buffer.concat([wav({}), Buffer.alloc(32_000 * 5)]))).toBe(7);
  });

  it.each([
    ["compressed", { format: 0x55 }],
    ["of another form of header", { format: 0xfffe }],
    ["without channels", { channels: 0 }],
    ["with a rate that nothing plays", { sampleRate: 4_000_000_000 }],
    ["with a rate of zero", { sampleRate: 0 }],
    ["with samples of 12 bits", { bits: 12 }],
    ["whose bytes a second do not agree", { bytesPerSecond: 4_000_000_000 }],
    ["whose frame does not agree", { frameBytes: 64 }],
    ["without a sound", { before: [["data", 0]] as const, isHeadless: true }],
  ])("is not known of a file %s", (_, file) => {
    expect(wavSeconds(wav(file))).toBeUndefined();
  });

  it("is not known of other bytes, or of a file that is cut short", () => {
    expect(wavSeconds(Buffer.from("ID3 and so on, a song"))).toBeUndefined();
    for (let length = 0; length < 44; length++) expect(wavSeconds(wav({}).subarray(0, length))).toBeUndefined();
  });

  it("is not known where two headers speak", () => {
    const twice = wav({ before: [["fmt ", 16]] });
    expect(wavSeconds(twice)).toBeUndefined();
    const file = wav({});
    const faster = wav({ sampleRate: 192_000 }).subarray(12, 36);
    expect(wavSeconds(Buffer.concat([file.subarray(0, 36), faster, file.subarray(36)]))).toBeUndefined();
  });
});
