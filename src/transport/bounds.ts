/** Why a peer was cut off, or one of its calls was. */
export const CUT_REASONS = [
  "accept_failed",
  "half_sent",
  "idle",
  "invalid",
  "pings",
  "resets",
  "settings",
  "silent",
  "too_many_calls",
  "too_many_connections",
  "too_many_streams",
  "unread",
] as const;
export type CutReason = (typeof CUT_REASONS)[number];

/** Told of each one that was cut off, for the log and the metrics: as often as strangers please. */
export type Cut = (reason: CutReason, what: string) => void;

/** What peers of one door may take of this process. */
export interface Bounds {
  /** Of each listener. */
  readonly maxConnections: number;
  /** Open at once on all connections of the door. */
  readonly maxCalls: number;
  readonly cut: Cut;
}

/** Of one connection. A client with more calls than that makes them wait. */
export const MOST_CALLS_OF_CONNECTION = 1024;

/** Calls that may last, and how many of each may be open at once on a connection. Every other call has to end. */
export const LASTING: ReadonlyMap<string | undefined, number> = new Map([
  ["/windbreak.v1.PolicyDecisionService/AuthorizeStream", 64],
  ["/grpc.health.v1.Health/Watch", 64],
  ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", 16],
  // One for each HTTP call that Envoy has in flight.
  ["/envoy.service.ext_proc.v3.ExternalProcessor/Process", MOST_CALLS_OF_CONNECTION],
]);
