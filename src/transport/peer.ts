import type { PeerCertificate } from "node:tls";
import type { ServerUnaryCall } from "@grpc/grpc-js";

/** What of a call, of any kind, tells who is at the other end of its connection. */
export type ConnectedCall = Pick<ServerUnaryCall<unknown, unknown>, "getAuthContext">;

/**
 * Name the URIs in the certificate that the peer of a call has proved, SPIFFE ids among them.
 *
 * Empty where the connection is no TLS, or nobody asked its peer for a certificate. To be asked when the call begins:
 * once its connection is gone, nobody is at the other end. A SPIFFE certificate names exactly one URI; whether several
 * will do is the caller's to judge.
 */
export function peerOf(call: ConnectedCall): readonly string[] {
  const { sslPeerCertificate: certificate } = call.getAuthContext();
  return certificate ? uriNames(certificate) : [];
}

/** Read the URIs in a certificate. Node puts a name that holds a comma or a quote in quotes, and taken apart it could
 * look like two; no SPIFFE id holds one, so such a certificate names nobody. */
export function uriNames({ subjectaltname = "" }: Pick<PeerCertificate, "subjectaltname">): readonly string[] {
  if (subjectaltname.includes('"')) return [];
  return subjectaltname
    .split(", ")
    .filter((name) => name.startsWith("URI:"))
    .map((name) => name.slice("URI:".length));
}
