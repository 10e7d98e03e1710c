import { Client, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { formatSpan } from "../domain/explain.js";
import { readSmallFile } from "../keys/read-file.js";
import type { AskSettings } from "../settings.js";
import { type Address, formatAddress } from "../transport/address.js";
import { channelFor, whyNoTls } from "./ask-tls.js";
import { EXIT, type Failure, failure } from "./context.js";
import { whyUnreachable } from "./unreachable.js";

const OPTIONS = {
  // A server beside the caller is not behind the proxy that the environment names for the web.
  "grpc.enable_http_proxy": 0,
  // Spares a look-up of DNS TXT records, which nobody has set.
  "grpc.service_config_disable_resolution": 1,
};

const asIs = (bytes: Buffer) => bytes;

/**
 * Make one unary call with bytes in and bytes out.
 *
 * @param path the method, as gRPC names it: `/windbreak.v1.PolicyDecisionService/Authorize`.
 */
export async function askServer(settings: AskSettings, path: string, message: Uint8Array): Promise<Buffer | Failure> {
  const { server, timeoutMs } = settings;
  const channel = await channelFor(settings);
  if (channel.kind === "failure") return channel;
  const shown = await shownTo(settings);
  if (shown.kind === "failure") return shown;
  const client = new Client(targetOf(server), channel.credentials, { ...OPTIONS, ...channel.options });
  try {
    return await new Promise((resolve) => {
      const deadline = Date.now() + timeoutMs;
      client.makeUnaryRequest(path, asIs, asIs, Buffer.from(message), shown.metadata, { deadline }, (error, answer) => {
        if (error) resolve(failureOf(error, settings));
        else resolve(answer ?? Buffer.alloc(0));
      });
    });
  } finally {
    client.close();
  }
}

/** A token of an identity provider may have some KiB. */
const MOST_BYTES = 16_384;

/** Read what is shown to the server, where it is to be shown anything. */
async function shownTo({
  credentialFile: file,
}: AskSettings): Promise<{ readonly kind: "shown"; readonly metadata: Metadata } | Failure> {
  const metadata = new Metadata();
  if (file === undefined) return { kind: "shown", metadata };
  const read = await readSmallFile(file, MOST_BYTES);
  const text = read.kind === "bytes" ? read.bytes.toString("latin1").trim() : "";
  if (/^[!-~]+$/.test(text)) {
    metadata.set("authorization", `Bearer ${text}`);
    return { kind: "shown", metadata };
  }
  const why = read.kind === "none" ? read.why : "holds neither an API key nor a token";
  return failure(EXIT.usage, `--credential-file ${file}: ${why}; put one there, alone`);
}

/** With its scheme, because a host may bear the name of one. */
function targetOf(server: Address): string {
  return server.kind === "unix" ? formatAddress(server) : `dns:${formatAddress(server)}`;
}

/** The caller's doing: the same call would fail again. */
const USAGE: ReadonlySet<status> = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
  status.RESOURCE_EXHAUSTED,
]);

function failureOf({ code, details }: ServiceError, { server, timeoutMs, tls }: AskSettings): Failure {
  const where = formatAddress(server);
  if (USAGE.has(code)) return failure(EXIT.usage, `${details} (${status[code]} from ${where})`);
  const line = (what: string, remedy: string) => failure(EXIT.unreachable, `${where}: ${what}; ${remedy}`);
  switch (code) {
    case status.DEADLINE_EXCEEDED:
      return line(`no answer within ${formatSpan(timeoutMs)}`, "ask again, or allow it more time by --timeout");
    case status.UNIMPLEMENTED:
      return line("what listens there is no Windbreak of this version", "name its address by --server");
    case status.UNAVAILABLE:
      return wasReached(details)
        ? failure(EXIT.unreachable, `${where}: ${details}`)
        : line(
            `cannot be reached (${whyNoTls(details, tls) ?? whyUnreachable(details)})`,
            "start it by windbreak serve, or name its address by --server",
          );
    default:
      return line(`${status[code]}: ${details}`, "look into the server's log");
  }
}

/** Whether a server said it, rather than this client that found none. */
function wasReached(details: string): boolean {
  return !/^No connection established|^Connection |^Name resolution failed|^The .*connection|ECONN|ENOENT/.test(
    details,
  );
}
