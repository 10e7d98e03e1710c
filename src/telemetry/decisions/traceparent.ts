/** The span of a trace in which a call was made. */
export interface TraceSpan {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16. */
  readonly spanId: string;
}

const FORM = /^(?<version>[0-9a-f]{2})-(?<traceId>[0-9a-f]{32})-(?<spanId>[0-9a-f]{16})-[0-9a-f]{2}(?<more>-.*)?$/;
const ALL_ZERO = /^0+$/;

/** Read a `traceparent` by W3C Trace Context, section 3.2; undefined for what is none. Never throws. */
export function readTraceparent(text: string): TraceSpan | undefined {
  const { version, traceId, spanId, more } = FORM.exec(text)?.groups ?? {};
  if (traceId === undefined || spanId === undefined) return undefined;
  if (version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (ALL_ZERO.test(traceId) || ALL_ZERO.test(spanId)) return undefined;
  return { traceId, spanId };
}
