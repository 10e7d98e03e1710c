import type { TokenKeys } from "../app/identity-ports.js";
import type { Clock } from "../app/ports.js";
import type { Policy } from "../domain/policy.js";
import type { KeysPlace } from "../domain/trust.js";
import { FileKeys } from "./file-keys.js";
import { UrlKeys } from "./url-keys.js";

export interface IssuerKeysOptions {
  /** The wall's. */
  readonly clock: Clock;
  readonly warn: (line: string) => void;
  readonly info: (line: string) => void;
}

type Held = TokenKeys & { close(): void };

/** The keys at every place that the policy in force names, and the policy that may come into force next. */
export class IssuerKeys {
  readonly #options: IssuerKeysOptions;
  readonly #held = new Map<string, Held>();
  #isClosed = false;

  constructor(options: IssuerKeysOptions) {
    this.#options = options;
  }

  /**
   * Hold the keys of a policy too. URLs are read in the meantime: an issuer that is down does not keep a server from its
   * start.
   *
   * @returns what is wrong, for a person, with each file that holds no keys.
   */
  async prepare({ issuers }: Policy): Promise<readonly string[]> {
    const faults: string[] = [];
    for (const [issuer, { keys }] of issuers) {
      for (const place of keys) {
        const why = await this.#open(place);
        if (why !== undefined) faults.push(`the keys of issuer ${issuer}: ${why}; put its JSON Web Key Set there`);
      }
    }
    return faults;
  }

  /** Let go of what the policy that is now in force does not name. */
  keepOnly({ issuers }: Policy): void {
    const named = new Set([...issuers.values()].flatMap(({ keys }) => keys.map(nameOf)));
    for (const [name, held] of this.#held) {
      if (named.has(name)) continue;
      held.close();
      this.#held.delete(name);
    }
  }

  /** The keys at a place. @throws Error for a place of a policy that was not prepared. */
  at(place: KeysPlace): TokenKeys {
    const held = this.#held.get(nameOf(place));
    if (!held) throw new Error(`no keys are held of ${place.at}`);
    return held;
  }

  /** Read nothing any more. */
  close(): void {
    this.#isClosed = true;
    for (const held of this.#held.values()) held.close();
  }

  async #open(place: KeysPlace): Promise<string | undefined> {
    const name = nameOf(place);
    if (this.#held.has(name) || this.#isClosed) return undefined;
    const { clock, warn: onLost, info: onFound } = this.#options;
    if (place.kind === "url") {
      this.#held.set(name, new UrlKeys({ url: place.at, clock, onLost, onFound }));
      return undefined;
    }
    const opened = await FileKeys.open({ path: place.at, onLost });
    if (opened.kind === "bad") return opened.why;
    if (this.#isClosed) opened.keys.close();
    else this.#held.set(name, opened.keys);
    return undefined;
  }
}

function nameOf({ kind, at }: KeysPlace): string {
  return `${kind} ${at}`;
}
