import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import { type ChannelCredentials, type ChannelOptions, credentials } from "@grpc/grpc-js";
import { readSmallFile } from "../keys/read-file.js";
import { certificatesIn, readTlsFiles } from "../keys/tls-files.js";
import type { TlsTrust } from "../settings/tls-given.js";
import type { AskSettings } from "../settings.js";
import { EXIT, type Failure, failure } from "./context.js";

const MOST_BYTES = 1024 * 1024;

/** How a client reaches a server. */
export interface Channel {
  readonly kind: "channel";
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
}

/** Read what a server is reached with; plain text where nothing is said of TLS. */
export async function channelFor({ tls, server }: AskSettings): Promise<Channel | Failure> {
  if (!tls) return { kind: "channel", credentials: credentials.createInsecure(), options: {} };
  const { caFile, shown } = tls;
  const ca = await readSmallFile(caFile, MOST_BYTES);
  if (ca.kind === "none") return unusable("--tls-ca", `${caFile} ${ca.why}`);
  if (!certificatesIn(ca.bytes)?.length) return unusable("--tls-ca", `${caFile} holds no certificate in PEM`);
  const pair = shown && (await readTlsFiles(shown));
  if (pair?.kind === "bad") return unusable("--tls-cert", pair.why);

  const name = tls.serverName ?? (server.kind === "tcp" ? server.host : "");
  return {
    kind: "channel",
    credentials: credentials.createSsl(ca.bytes, pair?.value.key, pair?.value.cert, {
      checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    }),
    // TLS has no way to ask for an address by name, and Node warns of those who try.
    options: { "grpc.ssl_target_name_override": isIP(name) === 0 ? name : NAMELESS },
  };
}

/** Asked for where a server is known by its address alone; its certificate is held against the address. */
const NAMELESS = "windbreak";

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
