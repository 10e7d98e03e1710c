import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Authority } from "../envoy/certificates.js";
import { type SeenRequest, valuesOf } from "../mistral/exchange.js";
import { type Answer, ReplayServer } from "../mistral/replay-server.js";
import { endAfterwards } from "../redis/ending.js";

const PATH = "/api/v1/namespaces/ai/secrets/mistral";

/** One Secret, ai/mistral, as the API server of Kubernetes keeps it, over TLS by an authority of its own. */
export class KubernetesApi {
  /** A directory as a pod's service account has it. */
  readonly account: string;
  readonly url: string;
  /** What the Secret holds, in base64. */
  readonly data: Record<string, string> = { other: Buffer.from("kept").toString("base64") };
  /** Whom it knows; the file of the account says so too at first. */
  token = "pod-token-1";
  readonly #server: ReplayServer;
  readonly #faults: Answer[] = [];

  private constructor(account: string, server: ReplayServer) {
    this.account = account;
    this.url = server.url;
    this.#server = server;
    server.answer({
      [`GET ${PATH}`]: (request) => this.#answer(request),
      [`PATCH ${PATH}`]: (request) => this.#answer(request),
    });
  }

  /** Start one. It ends after the test. */
  static async start(): Promise<KubernetesApi> {
    const authority = await Authority.create();
    const { certificate, key } = await authority.issue({ names: ["IP:127.0.0.1"] });
    const server = await ReplayServer.start({ answers: {}, tls: { certificate, key } });
    const account = await mkdtemp(join(tmpdir(), "service-account-"));
    endAfterwards(() => rm(account, { recursive: true, force: true }));
    const api = new KubernetesApi(account, server);
    await api.renew("pod-token-1");
    await writeFile(join(account, "ca.crt"), authority.root.certificate);
    return api;
  }

  get requests(): readonly SeenRequest[] {
    return this.#server.requests;
  }

  /** Know the account by another token, and write it into its file. */
  async renew(token: string): Promise<void> {
    this.token = token;
    await writeFile(join(this.account, "token"), `${token}\n`);
  }

  /** Answer the next requests so, and then as always. */
  fail(...faults: readonly Answer[]): void {
    this.#faults.push(...faults);
  }

  #answer(request: SeenRequest): Answer {
    const fault = this.#faults.shift();
    if (fault) return fault;
    if (valuesOf(request, "authorization")[0] !== `Bearer ${this.token}`) return status(401, "Unauthorized");
    if (request.method === "PATCH") Object.assign(this.data, JSON.parse(request.body.toString()).data);
    const metadata = { name: "mistral", namespace: "ai", resourceVersion: "4711" };
    return { kind: "whole", body: { kind: "Secret", apiVersion: "v1", metadata, data: this.data, type: "Opaque" } };
  }
}

/** A Status of the API server. */
export function status(code: number, reason: string): Answer {
  const body = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message: "no", reason, code };
  return { kind: "whole", status: code, body };
}
