import type { KeyProbe } from "../../app/key-ports.js";
import { adminFault } from "./admin-fault.js";
import { askAgain, type Wire } from "./exchange.js";

const OK = 200;
const REJECTED: ReadonlySet<number> = new Set([401, 403]);

/** Tries a key by asking for the list of models, which costs nothing. */
export class ModelsProbe implements KeyProbe {
  readonly #place: string;
  readonly #wire: Wire;

  /** @param apiUrl what `/v1/models` stands after. */
  constructor(apiUrl: string, wire: Wire) {
    this.#place = `${apiUrl}/v1/models`;
    this.#wire = wire;
  }

  async verify(secret: string): ReturnType<KeyProbe["verify"]> {
    const headers = { authorization: `Bearer ${secret}` };
    const answered = await askAgain(this.#wire, { method: "GET", url: this.#place, headers });
    if (answered.kind === "answer" && answered.status === OK) return { kind: "works" };
    if (answered.kind === "answer" && REJECTED.has(answered.status)) {
      return { kind: "rejected", why: `${this.#place} answers ${answered.status}: it does not take the key` };
    }
    return { kind: "unknown", why: adminFault(answered, this.#place, secret).why };
  }
}
