import { type SeenRequest, valuesOf } from "../mistral/exchange.js";
import { type Answer, ReplayServer } from "../mistral/replay-server.js";

const PATH = "/v1/secret/data/mistral/dev";

/** One secret, mistral/dev of the mount secret, as Vault's KV store of version 2 keeps it. */
export class VaultApi {
  readonly url: string;
  token = "hvs.a-token";
  /** null: its latest version was deleted. */
  fields: Record<string, unknown> | null = null;
  /** 0: there never was one. */
  version = 0;
  readonly #server: ReplayServer;
  readonly #faults: (Answer | (() => void))[] = [];

  private constructor(server: ReplayServer) {
    this.url = server.url;
    this.#server = server;
    server.answer({
      [`GET ${PATH}`]: (request) => this.#answer(request),
      [`POST ${PATH}`]: (request) => this.#answer(request),
    });
  }

  /** Start one, over TLS where it has a certificate. It ends after the test. */
  static async start(tls?: { readonly certificate: string; readonly key: string }): Promise<VaultApi> {
    return new VaultApi(await ReplayServer.start({ answers: {}, ...(tls && { tls }) }));
  }

  get requests(): readonly SeenRequest[] {
    return this.#server.requests;
  }

  /** Write as somebody else does. */
  write(fields: Record<string, unknown> | null): void {
    this.fields = fields;
    this.version += 1;
  }

  /** Answer the next requests so, and then as always; a function happens before the next is answered as always. */
  fail(...faults: readonly (Answer | (() => void))[]): void {
    this.#faults.push(...faults);
  }

  #answer(request: SeenRequest): Answer {
    const fault = this.#faults.shift();
    if (typeof fault === "function") fault();
    else if (fault) return fault;
    if (valuesOf(request, "x-vault-token")[0] !== this.token) return errors(403, "permission denied");
    if (request.method === "GET") return this.#read();
    const { options, data } = JSON.parse(request.body.toString());
    if (options.cas !== this.version) {
      return errors(400, "check-and-set parameter did not match the current version");
    }
    this.write(data);
    return { kind: "whole", body: { request_id: "r", data: { version: this.version, deletion_time: "" } } };
  }

  #read(): Answer {
    if (this.version === 0) return errors(404);
    const metadata = { version: this.version, deletion_time: this.fields ? "" : "2026-11-01T00:00:00Z" };
    const status = this.fields ? 200 : 404;
    return { kind: "whole", status, body: { request_id: "r", data: { data: this.fields, metadata } } };
  }
}

/** Vault's form of a refusal. */
export function errors(code: number, ...lines: readonly string[]): Answer {
  return { kind: "whole", status: code, body: { errors: lines } };
}
