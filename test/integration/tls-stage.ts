import { copyFileSync } from "node:fs";
import { connect as dial, type Socket } from "node:net";
import { join } from "node:path";
import { type ConnectionOptions, connect as dialTls, type TLSSocket } from "node:tls";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import type { ServeSettings } from "../../src/settings.js";
import { Authority, type Certificate, putInPlace, type Subject } from "../support/envoy/certificates.js";
import { inTime } from "../support/redis/deadlines.js";
import { afterwards, connect, startService, temporaryDirectory } from "./running-service.js";

const DEADLINE_MS = 5_000;

export const POLICY = `
version: 1
organization: acme
workspaces: { dev: { models: ["*"] } }
roles: { crew: { models: ["*"] } }
`;
export const QUESTION = {
  principal: { id: "ada", role: "crew", workspace: "dev" },
  model: "mistral-small-latest",
  input_tokens: 1,
  max_output_tokens: 1,
};
/** What the server of these tests is called by. */
export const NAMES = ["IP:127.0.0.1", "DNS:localhost"];

/** Serve by TLS on a free port, with files that a test may replace. */
export async function startTls({
  asksClients = true,
  subject = {},
  policy = POLICY,
  ...overrides
}: Partial<ServeSettings> & {
  readonly asksClients?: boolean;
  readonly subject?: Subject;
  readonly policy?: string;
} = {}) {
  const authority = await Authority.create();
  const server = await authority.issue({ names: NAMES, ...subject });
  const directory = temporaryDirectory();
  const files = { certificate: join(directory, "cert"), key: join(directory, "key") };
  const clientCaFile = join(directory, "ca");
  await putInPlace(server, files);
  copyFileSync(authority.root.files.certificate, clientCaFile);
  const tls = {
    certFile: files.certificate,
    keyFile: files.key,
    clientCaFile: asksClients ? clientCaFile : undefined,
  };
  const running = await startService(policy, { tls, ...overrides });
  const [address] = running.service.addresses();
  const port = address?.kind === "tcp" ? address.port : 0;
  return {
    ...running,
    authority,
    server,
    port,
    files,
    clientCaFile,
    /** Take up what the files hold now. */
    look: () => running.tls?.look(),
    refused: () => running.tls?.facts().refused ?? 0,
    /** A client that trusts an authority and shows a certificate. */
    client: (shown?: Certificate, trusted = authority, authorization?: string) =>
      connect(`dns:127.0.0.1:${port}`, channelOf(trusted, shown), authorization),
    /** A client that knows nothing of TLS. */
    plainClient: () => connect(`dns:127.0.0.1:${port}`),
  };
}

export type TlsStage = Awaited<ReturnType<typeof startTls>>;

/** How a client reaches a server by TLS. */
export function channelOf({ root }: Authority, shown?: Certificate): ChannelCredentials {
  const ca = Buffer.from(root.certificate);
  if (!shown) return credentials.createSsl(ca);
  return credentials.createSsl(ca, Buffer.from(shown.key), Buffer.from(shown.certificate));
}

/** Connect to a port and say nothing. Resolves once the system has connected it. */
export async function knock(port: number): Promise<Socket> {
  const socket = dial({ port, host: "127.0.0.1" });
  // A reset is one of the ends that it may meet.
  socket.on("error", () => {});
  afterwards(() => socket.destroy());
  await inTime(DEADLINE_MS, "the connection", new Promise((resolve) => socket.once("connect", resolve)));
  return socket;
}

/** Resolves when the other side has ended a connection. */
export function closed(socket: Socket): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    if (socket.destroyed) resolve();
    socket.resume().once("close", () => resolve());
  });
  return inTime(DEADLINE_MS, "the end of the connection", ended);
}

/** Shake hands by hand. @returns the connection, or why there is none. */
export function shakeHands(port: number, options: ConnectionOptions): Promise<TLSSocket | string> {
  const shaken = new Promise<TLSSocket | string>((resolve) => {
    const socket = dialTls({ port, host: "127.0.0.1", ALPNProtocols: ["h2"], ...options });
    afterwards(() => socket.destroy());
    socket.once("secureConnect", () => resolve(socket));
    socket.on("error", (error) => resolve("code" in error ? String(error.code) : error.message));
  });
  return inTime(DEADLINE_MS, "the handshake", shaken);
}
