import type { EpochMs } from "../../domain/units.js";
import type { StoreState } from "../memory/store-state.js";
import type { Disk } from "./disk.js";
import type { StateLog } from "./durable-log.js";
import { type Stretch, stretchesOf } from "./frames.js";
import { RECORD } from "./record-types.js";
import { Replay } from "./replay.js";
import { faultInHead, HEAD_BYTES } from "./segment-head.js";

/** What was read. */
export interface Recovered {
  readonly kind: "recovered";
  readonly bytes: number;
  /** The latest time that is known; 0: none is. */
  readonly lastSeen: EpochMs;
}

/** A segment that may hold what was spent, and that this version cannot read. */
export interface Unreadable {
  readonly kind: "unreadable";
  readonly segment: number;
  readonly why: "damaged" | "newer";
}

/**
 * Bring a state to where the segments on a disk leave it.
 *
 * Begins with the newest one that all that lived was carried into, or with the oldest there is.
 */
export function recover(disk: Disk, state: StoreState, log: StateLog): Recovered | Unreadable {
  const segments: Segment[] = [];
  for (const number of disk.segments().toReversed()) {
    const bytes = disk.read(number);
    const why = faultInHead(bytes, number);
    if (why) return { kind: "unreadable", segment: number, why };
    segments.unshift({ number, bytes });
    if (isCarried(bytes)) break;
  }

  const replay = new Replay(state);
  for (const segment of segments) {
    replay.renew();
    const read = readInto(replay, segment);
    if (read.isDamaged) log.damaged(segment.number, read.damagedBytes, read.unread, disk.keepAside(segment.number));
    if (read.tail) {
      log.cut(segment.number, read.tail.end - read.tail.start, read.tail.start);
      disk.cut(segment.number, read.tail.start);
    }
  }
  replay.finish();
  return {
    kind: "recovered",
    bytes: segments.reduce((sum, { bytes }) => sum + bytes.length, 0),
    lastSeen: replay.lastSeen,
  };
}

interface Segment {
  readonly number: number;
  readonly bytes: Buffer;
}

interface SegmentRead {
  readonly isDamaged: boolean;
  readonly damagedBytes: number;
  /** Records that are sound, and say what cannot be applied without what was lost. */
  readonly unread: number;
  /** Damage that nothing follows. */
  readonly tail: Stretch | undefined;
}

function readInto(replay: Replay, { bytes }: Segment): SegmentRead {
  let damagedBytes = 0;
  let unread = 0;
  let tail: Stretch | undefined;
  for (const stretch of stretchesOf(bytes, HEAD_BYTES)) {
    if (stretch.kind === "damage") {
      damagedBytes += stretch.end - stretch.start;
      if (stretch.end === bytes.length) tail = stretch;
    } else if (replay.apply(bytes, stretch.from, stretch.end) !== undefined) unread++;
  }
  if (tail) damagedBytes -= tail.end - tail.start;
  return { isDamaged: damagedBytes > 0 || unread > 0, damagedBytes, unread, tail };
}

function isCarried(bytes: Buffer): boolean {
  for (const { kind, from } of stretchesOf(bytes, HEAD_BYTES)) {
    if (kind === "record" && bytes[from] === RECORD.carried) return true;
  }
  return false;
}
