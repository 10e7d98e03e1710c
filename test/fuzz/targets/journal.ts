import assert from "node:assert/strict";
import { ByteWriter } from "../../../src/counters/durable/bytes.js";
import type { Disk } from "../../../src/counters/durable/disk.js";
import { StateLog } from "../../../src/counters/durable/durable-log.js";
import { beginFrame, endFrame, stretchesOf } from "../../../src/counters/durable/frames.js";
import { RECORD } from "../../../src/counters/durable/record-types.js";
import { recover } from "../../../src/counters/durable/recover.js";
import { faultInHead, HEAD_BYTES, writeHead } from "../../../src/counters/durable/segment-head.js";
import { StoreState } from "../../../src/counters/memory/store-state.js";
import { seededRandom24 } from "../../support/seeded-random.js";
import { assertLine } from "../laws.js";
import type { Target } from "../target.js";

const SEGMENT = 1;

/** A disk with one journal. */
function diskWith(bytes: Buffer) {
  const held = { bytes, isKept: false };
  const disk: Disk = {
    segments: () => [SEGMENT],
    read: () => held.bytes,
    create: () => Promise.reject(new Error("nothing is written here")),
    cut: (_, length) => {
      held.bytes = held.bytes.subarray(0, length);
    },
    keepAside: () => {
      held.isKept = true;
      return "aside";
    },
    remove: () => undefined,
  };
  return { disk, held };
}

/** What a journal leaves, and what was said of it. */
function recovered(bytes: Buffer) {
  const { disk, held } = diskWith(bytes);
  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);
  const state = new StoreState(seededRandom24(1));
  const result = recover(disk, state, new StateLog({ info: say, warn: say, error: say }, "state"));
  for (const line of lines) assertLine(line);
  return { result, held, lines, stand: standOf(state) };
}

function standOf({ counters, reservations, chargedOnce }: StoreState) {
  const counted = [];
  for (let slot = 1; slot <= counters.high; slot++) {
    const counter = counters.at(slot);
    if (counter) counted.push({ counter, state: counters.stateOf(slot) });
  }
  const held = [];
  for (let slot = 1; slot <= reservations.slab.high; slot++) {
    if (reservations.holds(slot)) held.push({ ids: reservations.ids(slot), amounts: reservations.amounts(slot) });
  }
  return { counted, held, charged: [...chargedOnce.entries()] };
}

function assertRecovered(bytes: Buffer): void {
  const first = recovered(bytes);
  if (first.result.kind === "unreadable") {
    assert.ok(faultInHead(bytes, SEGMENT));
    return;
  }
  const stretches = [...stretchesOf(bytes, HEAD_BYTES)];
  const end = stretches.at(-1);
  const tail = end?.kind === "damage" ? end : undefined;
  const isDamaged = stretches.some((stretch) => stretch.kind === "damage" && stretch !== tail);
  // What is lost is said, and kept.
  if (isDamaged) assert.ok(first.held.isKept);
  assert.equal(
    first.lines.some((line) => line.includes("cut at")),
    tail !== undefined,
  );
  assert.equal(
    first.lines.some((line) => line.includes("is damaged")),
    first.held.isKept,
  );
  assert.equal(first.held.bytes.length, tail?.start ?? bytes.length);
  // What is whole before a torn end counts as if that had never been.
  assert.deepEqual(recovered(first.held.bytes).stand, first.stand);
}

/**
 * A sound frame holds what this program wrote, and its slots count what it held at once. One that counts to billions could
 * be made by hand only, and asks for the memory that they would take.
 */
const MOST_SLOT = 20_000;
const SLOTTED: ReadonlySet<number | undefined> = new Set([RECORD.reserved, RECORD.reservation, RECORD.counter]);

function hasPlausibleSlot(record: Buffer): boolean {
  return !SLOTTED.has(record[0]) || record.length < 5 || record.readUInt32LE(1) <= MOST_SLOT;
}

/** Records, each with its length in two bytes before it, in sound frames behind a sound head. */
function framed(input: Buffer): Buffer {
  const writer = new ByteWriter();
  for (let at = 0; at + 2 < input.length; ) {
    const record = input.subarray(at + 2, at + 2 + input.readUInt16LE(at));
    const start = beginFrame(writer);
    for (const byte of record) writer.u8(byte);
    if (record.length > 0 && hasPlausibleSlot(record)) endFrame(writer, start);
    else writer.cut(start);
    at += 2 + record.length;
  }
  return Buffer.concat([writeHead(SEGMENT), writer.bytes.subarray(0, writer.length)]);
}

const WORDS = [
  "\xd7",
  "\x00\x00\x00\x00",
  "\x01\x00\x00\x00",
  "\xff\xff\xff\xff",
  "tokens",
  "day",
  "ann dev",
  "usd month",
];

export const JOURNAL: readonly Target[] = [
  {
    name: "journal",
    law: "all that is whole counts, what is lost is said and kept aside, a torn end is cut; the same when read again",
    words: ["WINDBREAKJOURNAL", ...WORDS],
    mostBytes: 16 * 1024,
    run: assertRecovered,
  },
  {
    name: "records",
    law: "records in sound frames are applied or counted as unread, whatever they say, in bounded memory",
    words: WORDS,
    mostBytes: 16 * 1024,
    run: (input) => assertRecovered(framed(input)),
  },
];
