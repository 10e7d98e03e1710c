export interface WavFile {
  readonly format?: number;
  readonly channels?: number;
  readonly sampleRate?: number;
  readonly bits?: number;
  readonly bytesPerSecond?: number;
  readonly frameBytes?: number;
  /** Bytes of sound; two seconds of it where nothing is said. */
  readonly sound?: number;
  /** What the file says about that. */
  readonly saidSound?: number;
  /** Chunks between the format and the sound: name and length. */
  readonly before?: readonly (readonly [name: string, length: number])[];
  /** Without the chunk of the format. */
  readonly isHeadless?: boolean;
}

/** A WAV file, right where nothing else is asked for: 16 kHz, one channel, 16 bits. */
export function wav(file: WavFile): Buffer {
  const { format = 1, channels = 1, sampleRate = 16_000, bits = 16, before = [] } = file;
  const { frameBytes = (channels * bits) / 8, bytesPerSecond = sampleRate * frameBytes } = file;
  const { sound = 64_000, saidSound = sound } = file;
  const head = Buffer.alloc(24);
  head.write("fmt ", "latin1");
  head.writeUInt32LE(16, 4);
  head.writeUInt16LE(format, 8);
  head.writeUInt16LE(channels, 10);
  head.writeUInt32LE(sampleRate, 12);
  head.writeUInt32LE(bytesPerSecond % 2 ** 32, 16);
  head.writeUInt16LE(frameBytes, 20);
  head.writeUInt16LE(bits, 22);
  const chunks = before.map(([name, length]) => chunk(name, length, Buffer.alloc(length + (length % 2))));
  const body = Buffer.concat([
    ...(file.isHeadless ? [] : [head]),
    ...chunks,
    chunk("data", saidSound, Buffer.alloc(sound)),
  ]);
  return Buffer.concat([chunk("RIFF", (body.length + 4) % 2 ** 32, Buffer.from("WAVE")), body]);
}

function chunk(name: string, size: number, content: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write(name, "latin1");
  head.writeUInt32LE(size, 4);
  return Buffer.concat([head, content]);
}
