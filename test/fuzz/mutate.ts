import type { Random } from "./random.js";

/** What inputs are made of. */
export interface Matter {
  /** At least one. */
  readonly pool: readonly Buffer[];
  readonly words: readonly string[];
  readonly mostBytes: number;
}

const MOST_STEPS = 5;
const BYTES = [0, 1, 0x0a, 0x0d, 0x20, 0x22, 0x2c, 0x30, 0x3a, 0x5b, 0x5c, 0x7b, 0x7f, 0x80, 0xc3, 0xd7, 0xff];
const NUMBERS = ["0", "-1", "1e3", "0.5", "9007199254740991", "9007199254740992", "1e309", "00", "4294967296"];
const COUNTS = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff];
const REPEATS = [2, 3, 70, 300, 2000];

type Step = (bytes: Buffer, random: Random, matter: Matter) => Buffer;

/** Make a new input of old ones. */
export function mutate(random: Random, matter: Matter): Buffer {
  let bytes = random.pick(matter.pool);
  for (let left = 1 + random.below(MOST_STEPS); left > 0; left--) {
    bytes = random.pick(STEPS)(bytes, random, matter).subarray(0, matter.mostBytes);
  }
  // Of its own: what reads it must not find other bytes around it.
  return Buffer.from(bytes);
}

const STEPS: readonly Step[] = [
  (bytes, random) => withByte(bytes, random, (byte) => byte ^ (1 << random.below(8))),
  (bytes, random) => withByte(bytes, random, () => random.pick(BYTES)),
  (bytes, random) => withByte(bytes, random, () => random.below(256)),
  (bytes, random) => withByte(bytes, random, (byte) => byte + random.pick([1, -1])),
  (bytes, random) => {
    const [from, to] = span(bytes, random);
    return spliced(bytes, from, to, Buffer.alloc(0));
  },
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  (bytes, random, { words }) => insert(bytes, random, Buffer.from(random.pick(words))),
  (bytes, random, { words }) => {
    const [from, to] = span(bytes, random);
    return spliced(bytes, from, to, Buffer.from(random.pick(words)));
  },
  (bytes, random, { pool }) => {
    const other = random.pick(pool);
    const [from, to] = span(other, random);
    return insert(bytes, random, other.subarray(from, to));
  },
  (bytes, random, { pool }) => {
    const other = random.pick(pool);
    return Buffer.concat([
      bytes.subarray(0, random.below(bytes.length + 1)),
      other.subarray(random.below(other.length + 1)),
    ]);
  },
  (bytes, random, { mostBytes }) => {
    const [from, to] = span(bytes, random);
    const part = bytes.subarray(from, to);
    const count = part.length === 0 ? 0 : Math.min(random.pick(REPEATS), Math.floor(mostBytes / part.length));
    return spliced(bytes, from, to, Buffer.concat(Array.from({ length: count }, () => part)));
  },
  withNumber,
  withLength,
  lineMoved,
];

function withByte(bytes: Buffer, random: Random, change: (byte: number) => number): Buffer {
  if (bytes.length === 0) return Buffer.from([change(0) & 0xff]);
  const changed = Buffer.from(bytes);
  const at = random.below(bytes.length);
  changed[at] = change(changed[at] ?? 0) & 0xff;
  return changed;
}

/** Another number in place of one that stands there in digits. */
function withNumber(bytes: Buffer, random: Random): Buffer {
  const found = [...bytes.toString("latin1").matchAll(/\d+/g)];
  if (found.length === 0) return insert(bytes, random, Buffer.from(random.pick(NUMBERS)));
  const { index, 0: digits } = random.pick(found);
  return spliced(bytes, index, index + digits.length, Buffer.from(random.pick(NUMBERS)));
}

/** Another number in place of the bytes of one: a length, most likely. */
function withLength(bytes: Buffer, random: Random): Buffer {
  const width = random.pick([2, 4] as const);
  if (bytes.length < width) return bytes;
  const changed = Buffer.from(bytes);
  const at = random.below(bytes.length - width + 1);
  const count = random.pick([...COUNTS, changed.readUIntLE(at, width) + 1, bytes.length]) % 2 ** (8 * width);
  if (random.below(2) === 0) changed.writeUIntLE(count, at, width);
  else changed.writeUIntBE(count, at, width);
  return changed;
}

/** A line put in another place, or there twice. */
function lineMoved(bytes: Buffer, random: Random): Buffer {
  const lines = bytes.toString("latin1").split("\n");
  const line = random.pick(lines);
  if (random.below(2) === 0) lines.splice(random.below(lines.length), 1);
  lines.splice(random.below(lines.length + 1), 0, line);
  return Buffer.from(lines.join("\n"), "latin1");
}

function insert(bytes: Buffer, random: Random, part: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  return spliced(bytes, at, at, part);
}

function spliced(bytes: Buffer, from: number, to: number, part: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, from), part, bytes.subarray(to)]);
}

/** Where a piece begins and ends: short ones more often than long ones. */
function span(bytes: Buffer, random: Random): readonly [number, number] {
  const from = random.below(bytes.length + 1);
  const length = random.below(random.pick([2, 9, 65, bytes.length + 1]));
  return [from, Math.min(bytes.length, from + length)];
}
