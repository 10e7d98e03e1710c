/** Where in a trace a caller stands, as it says by W3C's `traceparent` and `tracestate`. */
export interface TraceContext {
  /** 32 lower-case hexadecimal digits, not all 0. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits, not all 0. */
  readonly spanId: string;
  /** The caller records what it does. */
  readonly isSampled: boolean;
  /** As sent; empty: not sent, or nothing to be kept. */
  readonly state: string;
}

const FORM =
  /^(?<version>[0-9a-f]{2})-(?<traceId>[0-9a-f]{32})-(?<spanId>[0-9a-f]{16})-(?<flags>[0-9a-f]{2})(?<rest>-.*)?$/;
const FIRST_VERSION = "00";
const NO_VERSION = "ff";
const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);
const SAMPLED = 1;
/** Longer ones are ours to refuse: what a version to come may add is short. */
const MOST_LENGTH = 256;
const MOST_STATE = 512;
const STATE = /^[\x20-\x7e\t]*$/;

/**
 * Read a `traceparent` by W3C Trace Context; undefined where it is none: what is followed then begins a trace of its own.
 *
 * Of a version that is not known yet the known part is read, as the recommendation asks. A `tracestate` that is too long
 * or no text is dropped alone. Never throws.
 */
export function readTraceContext(traceparent: string, tracestate = ""): TraceContext | undefined {
  if (traceparent.length > MOST_LENGTH) return undefined;
  const { version, traceId, spanId, flags, rest } = FORM.exec(traceparent)?.groups ?? {};
  if (traceId === undefined || spanId === undefined || version === NO_VERSION) return undefined;
  if (version === FIRST_VERSION && rest !== undefined) return undefined;
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  const isSampled = (Number.parseInt(flags ?? "", 16) & SAMPLED) === SAMPLED;
  const keepsState = tracestate.length <= MOST_STATE && STATE.test(tracestate);
  return { traceId, spanId, isSampled, state: keepsState ? tracestate : "" };
}
