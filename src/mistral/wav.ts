const RIFF_HEADER = 12;
const CHUNK_HEADER = 8;
const PCM = 1;
const SAMPLE_RATES = { least: 8000, most: 192_000 };
const SAMPLE_BITS: ReadonlySet<number> = new Set([8, 16, 24, 32]);
const MOST_CHANNELS = 8;
/** Chunks that may stand before the sound, such as its title. */
const MOST_CHUNKS = 32;

/**
 * Say how many seconds a WAV file lasts at most, rounded up.
 *
 * All bytes from the start of its sound to the end of the file count as sound, whatever the file says about its length:
 * programs differ in what they read then.
 *
 * @returns undefined for everything but plain PCM whose header agrees with itself.
 */
export function wavSeconds(file: Buffer): number | undefined {
  if (file.toString("latin1", 0, 4) !== "RIFF" || file.toString("latin1", 8, RIFF_HEADER) !== "WAVE") return undefined;
  let bytesPerSecond: number | undefined;
  let at = RIFF_HEADER;
  for (let chunks = 0; chunks < MOST_CHUNKS && at + CHUNK_HEADER <= file.length; chunks++) {
    const name = file.toString("latin1", at, at + 4);
    const size = file.readUInt32LE(at + 4);
    at += CHUNK_HEADER;
    if (name === "data") return bytesPerSecond && Math.max(1, Math.ceil((file.length - at) / bytesPerSecond));
    if (name === "fmt ") {
      if (bytesPerSecond !== undefined || size !== 16 || at + size > file.length) return undefined;
      bytesPerSecond = rateOf(file.subarray(at, at + size));
      if (bytesPerSecond === undefined) return undefined;
    }
    at += size + (size % 2);
  }
  return undefined;
}

/** Bytes a second, where the numbers of a format agree. */
function rateOf(format: Buffer): number | undefined {
  const channels = format.readUInt16LE(2);
  const sampleRate = format.readUInt32LE(4);
  const bytesPerSecond = format.readUInt32LE(8);
  const frameBytes = format.readUInt16LE(12);
  const bits = format.readUInt16LE(14);
  const agrees =
    format.readUInt16LE(0) === PCM &&
    channels >= 1 &&
    channels <= MOST_CHANNELS &&
    sampleRate >= SAMPLE_RATES.least &&
    sampleRate <= SAMPLE_RATES.most &&
    SAMPLE_BITS.has(bits) &&
    frameBytes === (channels * bits) / 8 &&
    bytesPerSecond === sampleRate * frameBytes;
  return agrees ? bytesPerSecond : undefined;
}
