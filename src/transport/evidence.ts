import type { ServerUnaryCall } from "@grpc/grpc-js";
import type { Fault } from "../app/fault.js";
import type { Evidence } from "../app/identity-ports.js";
import type { MaybePromise } from "../app/ports.js";
import type { ServiceOptions } from "./abandon.js";
import { type ConnectedCall, peerOf } from "./peer.js";

/** What of a call, of any kind, tells who makes it. */
type ShowingCall = ConnectedCall & Pick<ServerUnaryCall<unknown, unknown>, "metadata">;

/** Find out what a call proves of who makes it; undefined where nobody looks at it. */
export function evidenceOf({ prover }: ServiceOptions, call: ShowingCall): MaybePromise<Evidence | Fault | undefined> {
  if (!prover) return undefined;
  // Names of binary metadata end in -bin, and this is none: its values are text.
  const authorization = call.metadata.get("authorization").map(String);
  return prover.prove({ authorization, peerUris: peerOf(call) });
}
