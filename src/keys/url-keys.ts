import type { KeySet, TokenKeys } from "../app/identity-ports.js";
import type { Clock } from "../app/ports.js";
import type { EpochMs, Millis } from "../domain/units.js";
import { fetchKeySet } from "./fetch-key-set.js";

export interface UrlKeysOptions {
  readonly url: string;
  readonly clock: Clock;
  /** Told in one line, once, when the keys cannot be had. Must not throw. */
  readonly onLost: (line: string) => void;
  /** Told in one line when they can be had again. Must not throw. */
  readonly onFound: (line: string) => void;
  /** How often they are read when all is well; 5 min when left out. */
  readonly everyMs?: Millis;
  /** The least time between two reads; 10 s when left out. */
  readonly restMs?: Millis;
  /** How long an answer may take; 3 s when left out. */
  readonly timeoutMs?: Millis;
}

/** A key that its issuer withdrew is trusted for no longer than this. */
const EVERY_MS = 300_000;
/** What strangers can make us ask of an issuer, by tokens with keys that nobody knows. */
const REST_MS = 10_000;
const TIMEOUT_MS = 3_000;

/**
 * The keys of an issuer at a URL, read ahead of need, so that no call waits for them but the first with a new key.
 *
 * While they cannot be had the last good ones stay: an issuer that is down must not stop those whom it vouched for.
 */
export class UrlKeys implements TokenKeys {
  readonly #options: UrlKeysOptions;
  readonly #ended = new AbortController();
  #held: KeySet | undefined;
  #text = "";
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<boolean> | undefined;
  #isFresh = false;
  #isLost = false;
  #readAt: EpochMs = Number.NEGATIVE_INFINITY;

  /** Begins to read at once. */
  constructor(options: UrlKeysOptions) {
    this.#options = options;
    void this.#start();
  }

  held(): KeySet | undefined {
    return this.#held;
  }

  renew(): Promise<boolean> {
    const { clock, restMs = REST_MS } = this.#options;
    const since = clock.now() - this.#readAt;
    // Below 0 where the clock was set back, which must not keep new keys out.
    const isResting = since >= 0 && since < restMs && !this.#reading;
    return isResting || this.#ended.signal.aborted ? Promise.resolve(this.#isFresh) : this.#start();
  }

  restsUntil(): EpochMs {
    return this.#readAt + (this.#options.restMs ?? REST_MS);
  }

  /** Read no more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#ended.abort();
  }

  #start(): Promise<boolean> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<boolean> {
    const { url, clock, onLost, onFound, timeoutMs = TIMEOUT_MS, everyMs = EVERY_MS, restMs = REST_MS } = this.#options;
    const { read, text } = await fetchKeySet(url, timeoutMs, this.#ended.signal);
    if (this.#ended.signal.aborted) return false;
    this.#readAt = clock.now();
    this.#isFresh = read.kind === "good";
    if (read.kind === "good") {
      if (text !== this.#text) this.#held = read.value;
      this.#text = text;
      if (this.#isLost) onFound(`${url}: the keys of tokens are there again`);
    } else if (!this.#isLost) {
      onLost(`${url} ${read.why}; ${this.#held ? "the keys that it held last stay in force" : NO_KEYS}`);
    }
    this.#isLost = read.kind === "bad";
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#start(), this.#isFresh ? everyMs : restMs).unref();
    return this.#isFresh;
  }
}

const NO_KEYS = "tokens of its issuer cannot be judged until it holds their keys";
