import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import {
  type ChannelCredentials,
  type ChannelOptions,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import {
  type AuthorizeRequest,
  type AuthorizeResponse,
  type CheckBudgetRequest,
  type CheckBudgetResponse,
  PolicyDecisionServiceClient,
  type RecordUsageRequest,
  type RecordUsageResponse,
} from "../gen/windbreak/v1/policy_decision.js";
import type { ConnectionOptions, TlsOptions } from "./options.js";

/** An answer, or what a call ended with instead. */
export type Asked<Message> = { readonly kind: "answer"; readonly message: Message } | Fault;

export interface Fault {
  readonly kind: "fault";
  /** A gRPC status: `UNAVAILABLE`. */
  readonly code: keyof typeof status;
  readonly message: string;
  /** It is absent or too slow: what a caller may choose to fail open for. */
  readonly isAway: boolean;
  /** The question is at fault, and would be again. */
  readonly isRefused: boolean;
}

const DEFAULT_ADDRESS = "127.0.0.1:50051";
const DEFAULT_TIMEOUT_MS = 100;
/** Nobody waits for a settlement. */
const SETTLE_TIMEOUT_MS = 5_000;

const OPTIONS: ChannelOptions = {
  // A server beside the caller is not behind the proxy that the environment names for the web.
  "grpc.enable_http_proxy": 0,
  // Spares a look-up of DNS TXT records, which nobody has set.
  "grpc.service_config_disable_resolution": 1,
  // A sidecar that restarts is back within moments; the default waits up to two minutes.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  // So that closing this one closes its connection.
  "grpc.use_local_subchannel_pool": 1,
};

const AWAY: ReadonlySet<status> = new Set([status.UNAVAILABLE, status.DEADLINE_EXCEEDED]);

/** The caller's doing: the same call would fail again. */
const REFUSED: ReadonlySet<status> = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
]);

const CLOSED: Fault = {
  kind: "fault",
  code: "UNAVAILABLE",
  message: "this client was closed",
  isAway: true,
  isRefused: false,
};

/** A channel to one Windbreak. It connects by itself, and does not keep the process alive. */
export class Connection {
  readonly #client: PolicyDecisionServiceClient;
  readonly #credential: ConnectionOptions["credential"];
  readonly #timeoutMs: number;
  #isClosed = false;

  /** @throws TypeError where a credential would travel in plain text to another machine. */
  constructor({ address = DEFAULT_ADDRESS, tls, credential, timeoutMs = DEFAULT_TIMEOUT_MS }: ConnectionOptions) {
    if (credential !== undefined && !tls && !isLocal(address)) {
      throw new TypeError(`${address}: the credential could be read on the way there; give tls, or a local address`);
    }
    const channel = tls ? encrypted(tls, address) : { by: credentials.createInsecure(), options: {} };
    // With its scheme, because a host may bear the name of one.
    const target = address.startsWith("unix:") ? address : `dns:${address}`;
    this.#client = new PolicyDecisionServiceClient(target, channel.by, { ...OPTIONS, ...channel.options });
    // So that the first decision does not spend its time on connecting.
    this.#client.getChannel().getConnectivityState(true);
    this.#credential = credential;
    this.#timeoutMs = timeoutMs;
  }

  /** Ask for a decision. An abort withdraws the question. */
  authorize(request: AuthorizeRequest, signal?: AbortSignal): Promise<Asked<AuthorizeResponse>> {
    const client = this.#client;
    return this.#ask((told) => client.authorize(request, this.#shown(), this.#within(this.#timeoutMs), told), signal);
  }

  recordUsage(request: RecordUsageRequest): Promise<Asked<RecordUsageResponse>> {
    const client = this.#client;
    return this.#ask((told) => client.recordUsage(request, this.#shown(), this.#within(SETTLE_TIMEOUT_MS), told));
  }

  checkBudget(request: CheckBudgetRequest): Promise<Asked<CheckBudgetResponse>> {
    const client = this.#client;
    return this.#ask((told) => client.checkBudget(request, this.#shown(), this.#within(SETTLE_TIMEOUT_MS), told));
  }

  /** Calls that are open end by themselves; later ones find Windbreak away. Harmless when repeated. */
  close(): void {
    this.#isClosed = true;
    this.#client.close();
  }

  #ask<Message>(
    begin: (told: (error: ServiceError | null, message: Message) => void) => ClientUnaryCall,
    signal?: AbortSignal,
  ): Promise<Asked<Message>> {
    if (this.#isClosed) return Promise.resolve(CLOSED);
    return new Promise((resolve) => {
      const call = begin((error, message) => {
        signal?.removeEventListener("abort", cancel);
        resolve(error ? faultOf(error) : { kind: "answer", message });
      });
      const cancel = () => call.cancel();
      if (signal?.aborted) cancel();
      else signal?.addEventListener("abort", cancel, { once: true });
    });
  }

  #shown(): Metadata {
    const metadata = new Metadata();
    const credential = typeof this.#credential === "function" ? this.#credential() : this.#credential;
    if (credential !== undefined) metadata.set("authorization", `Bearer ${credential}`);
    return metadata;
  }

  #within(ms: number): { readonly deadline: number } {
    return { deadline: Date.now() + ms };
  }
}

function faultOf({ code, details }: ServiceError): Fault {
  const name = Object.entries(status).find(([, number]) => number === code)?.[0] ?? "UNKNOWN";
  return {
    kind: "fault",
    code: isStatus(name) ? name : "UNKNOWN",
    message: details,
    isAway: AWAY.has(code),
    isRefused: REFUSED.has(code),
  };
}

function isStatus(name: string): name is keyof typeof status {
  return name in status;
}

function isLocal(address: string): boolean {
  return /^(?:unix:|localhost:|127\.[\d.]+:|\[::1\]:)/.test(address);
}

/** Asked for where a server is known by its address alone; its certificate is held against the address. */
const NAMELESS = "windbreak";

function encrypted(
  { ca, cert, key, serverName }: TlsOptions,
  address: string,
): { readonly by: ChannelCredentials; readonly options: ChannelOptions } {
  const bytes = (pem: string | Buffer | undefined) => (pem === undefined ? null : Buffer.from(pem));
  const name = serverName ?? address.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  return {
    by: credentials.createSsl(bytes(ca), bytes(key), bytes(cert), {
      checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    }),
    // TLS has no way to ask for an address by name, and Node warns of those who try.
    options: { "grpc.ssl_target_name_override": isIP(name) === 0 ? name : NAMELESS },
  };
}
