import type { EpochMs, Millis } from "../domain/units.js";
import type { Duration } from "../gen/google/protobuf/duration.js";
import type { Timestamp } from "../gen/google/protobuf/timestamp.js";

const NANOS_PER_MS = 1_000_000;

/** Write an instant as protobuf does. */
export function toTimestamp(at: EpochMs): Timestamp {
  return split(at);
}

/** Write a span, which is not negative, as protobuf does. */
export function toDuration(span: Millis): Duration {
  return split(span);
}

function split(ms: number): { seconds: number; nanos: number } {
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanos: Math.round((ms - seconds * 1000) * NANOS_PER_MS) };
}
