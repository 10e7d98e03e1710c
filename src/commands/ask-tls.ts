import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import { readSmallFile } from "../keys/read-file.js";
import { certificatesIn, readTlsFiles } from "../keys/tls-files.js";
import type { TlsTrust } from "../settings/tls-given.js";
import { EXIT, type Failure, failure } from "./context.js";

const MOST_BYTES = 1024 * 1024;

/** Read what a server is reached with; plain text where nothing is said of TLS. */
export async function credentialsFor(tls: TlsTrust | undefined): Promise<ChannelCredentials | Failure> {
  if (!tls) return credentials.createInsecure();
  const { caFile, shown } = tls;
  const ca = await readSmallFile(caFile, MOST_BYTES);
  if (ca.kind === "none") return unusable("--tls-ca", `${caFile} ${ca.why}`);
  if (!certificatesIn(ca.bytes)?.length) return unusable("--tls-ca", `${caFile} holds no certificate in PEM`);
  if (!shown) return credentials.createSsl(ca.bytes);
  const pair = await readTlsFiles(shown);
  if (pair.kind === "bad") return unusable("--tls-cert", pair.why);
  return credentials.createSsl(ca.bytes, pair.value.key, pair.value.cert);
}

const CLOSED = "Failed to connect";

/** Words of OpenSSL, Node and grpc-js for what goes wrong in a handshake. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ["certificate has expired", "its certificate has expired"],
  ["certificate is not yet valid", "its certificate is not valid yet"],
  ["unsuitable certificate purpose", "its certificate is not one of a server"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "its certificate names another host; name it by --tls-server-name"],
  ["self-signed certificate", "its certificate is not signed by who stands in --tls-ca"],
  ["unable to verify", "its certificate is not signed by who stands in --tls-ca"],
  ["unable to get", "its certificate is not signed by who stands in --tls-ca"],
  ["wrong version number", "what listens there speaks no TLS; leave out --tls-ca"],
]);

/** Say in plain words why a connection failed where TLS, or its absence, is the reason; undefined where it is not. */
export function whyNoTls(details: string, tls: TlsTrust | undefined): string | undefined {
  if (details.includes("ECONN")) return undefined;
  if (!tls) return details.includes(CLOSED) ? "it hung up; if it speaks TLS, give --tls-ca" : undefined;
  for (const [words, reason] of REASONS) if (details.includes(words)) return reason;
  if (!details.includes(CLOSED)) return undefined;
  return tls.shown
    ? "it hung up after the handshake: it does not take the certificate of --tls-cert"
    : "it hung up after the handshake: it asks for a certificate, which --tls-cert and --tls-key show";
}

function unusable(flag: string, why: string): Failure {
  return failure(EXIT.usage, `${flag}: ${why}; give PEM files that this process may read`);
}
