import type { Metadata } from "@grpc/grpc-js";
import type { Arrival, CallDoor, Origin } from "../app/decision-log.js";
import type { Evidence } from "../app/identity-ports.js";
import type { Millis } from "../domain/units.js";

/** W3C Trace Context, level 2, has 55 characters; later versions may append some. */
const MOST_TRACEPARENT = 128;

/** Say how a call came in. @param begunMs when its message was there, by `performance.now()`. */
export function originOf(door: CallDoor, begunMs: Millis, traceparent: string | undefined): Origin {
  const isShort = traceparent !== undefined && traceparent.length <= MOST_TRACEPARENT;
  return { door, begunMs, traceparent: isShort ? traceparent : undefined };
}

/** The `traceparent` of a call's own metadata; undefined where it has none, or several. */
export function traceparentIn(metadata: Metadata): string | undefined {
  const [value, another] = metadata.get("traceparent");
  return typeof value === "string" && another === undefined ? value : undefined;
}

/** Put together what is known of a call besides its message; undefined where nothing is. */
export function arrivalOf(evidence: Evidence | undefined, origin: Origin | undefined): Arrival | undefined {
  return evidence || origin ? { evidence, origin } : undefined;
}
