import type { ServerUnaryCall } from "@grpc/grpc-js";
import type { Decision } from "../app/decision.js";
import type { Fault } from "../app/fault.js";
import { type Distrust, distrustIn } from "../domain/distrust.js";

/** Whoever was not taken for whom it would be. Holds nothing of what it showed but the id of a key. */
export interface Stranger {
  readonly why: Distrust;
  /** What it was told, where that repeats nothing of its message. */
  readonly told: string | undefined;
  /** Where it called from, as far as this process sees. */
  readonly peer: string;
}

/** A gRPC call of any kind, as far as it tells where it came from. */
type CallFromSomewhere = Pick<ServerUnaryCall<unknown, unknown>, "getPeer">;

/** See in a fault that it is for who calls; undefined where it is for what is asked. */
export function strangerIn({ why, code, message }: Fault, call: CallFromSomewhere): Stranger | undefined {
  if (why === undefined) return undefined;
  return { why, told: code === "unauthenticated" ? message : undefined, peer: peerAddress(call) };
}

/** See in a decision that it is for who calls. */
export function unknownIn(decision: Decision, call: CallFromSomewhere): Stranger | undefined {
  const why = decision.kind === "denied" ? distrustIn(decision.reason) : undefined;
  return why && { why, told: undefined, peer: peerAddress(call) };
}

/** The address at the other end of a call's connection, for a person. */
export function peerAddress(call: CallFromSomewhere): string {
  const peer = call.getPeer();
  // grpc-js's word where a socket has no address.
  return peer === "unknown" ? UNIX_SOCKET : peer;
}

/** Where whoever has no address called from. */
export const UNIX_SOCKET = "a Unix socket";
