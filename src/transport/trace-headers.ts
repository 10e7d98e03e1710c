import type { Metadata } from "@grpc/grpc-js";
import { readTraceContext, type TraceContext } from "../app/trace-context.js";
import { traceparentIn } from "./origin.js";

/** Find where in a trace the caller of a gRPC call stands; undefined: it does not say, or not in one way. */
export function traceContextIn(metadata: Metadata): TraceContext | undefined {
  const traceparent = traceparentIn(metadata);
  return traceparent === undefined ? undefined : readTraceContext(traceparent, metadata.get("tracestate").join(","));
}
