import type { KeyProbe } from "../app/key-ports.js";
import type { Millis } from "../domain/units.js";

export interface ModelListProbeOptions {
  /** What `/v1/models` stands after. */
  readonly apiUrl: string;
  readonly timeoutMs: Millis;
}

type Tried = Awaited<ReturnType<KeyProbe["verify"]>>;

/**
 * Tries a key by listing models, with Mistral's own client: what that takes, its users' programs can use.
 *
 * Loading the client takes a second of a core. Whoever must not stall has it loaded beforehand.
 */
export class ModelListProbe implements KeyProbe {
  readonly #options: ModelListProbeOptions;

  constructor(options: ModelListProbeOptions) {
    this.#options = options;
  }

  /** Load what `verify` needs. */
  async load(): Promise<void> {
    await loadClient();
  }

  async verify(secret: string): Promise<Tried> {
    const { MistralCore, modelsList } = await loadClient();
    const { apiUrl: serverURL, timeoutMs } = this.#options;
    const client = new MistralCore({ apiKey: secret, serverURL, timeoutMs, retryConfig: { strategy: "none" } });
    const listed = await modelsList(client);
    if (listed.ok) return { kind: "works" };
    const status = statusOf(listed.error);
    // An answer of another form than the client knows is an answer all the same.
    if (status === 200) return { kind: "works" };
    const where = `GET ${serverURL}/v1/models`;
    if (status === 401 || status === 403) return { kind: "rejected", why: `${where} was answered by HTTP ${status}` };
    // Its message may repeat what was answered, and so is left out.
    const why = status === undefined ? `had no answer (${listed.error.name})` : `was answered by HTTP ${status}`;
    return { kind: "unknown", why: `${where} ${why}` };
  }
}

/** The two files that one call takes, rather than all of the client. */
async function loadClient() {
  const [{ MistralCore }, { modelsList }] = await Promise.all([
    import("@mistralai/mistralai/core.js"),
    import("@mistralai/mistralai/funcs/modelsList.js"),
  ]);
  return { MistralCore, modelsList };
}

function statusOf(error: Error): number | undefined {
  return "statusCode" in error && typeof error.statusCode === "number" ? error.statusCode : undefined;
}
