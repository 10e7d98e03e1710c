import type { Millis } from "../domain/units.js";

export interface SeldomOptions {
  /** What is told, in the plural: "connections were refused". */
  readonly what: string;
  readonly write: (line: string) => void;
  /** How long after a line what happens is only counted; 1 min when left out. */
  readonly quietMs?: Millis;
}

const QUIET_MS = 60_000;

/**
 * Tells of what strangers can cause as often as they please: the first time at once, then in one line a minute that
 * counts the rest. So a port scanner fills no log.
 */
export class Seldom {
  readonly #options: SeldomOptions;
  #quiet: NodeJS.Timeout | undefined;
  #since = 0;
  #last = "";

  constructor(options: SeldomOptions) {
    this.#options = options;
  }

  /** Tell it now, or count it for the next line. */
  tell(line: string): void {
    if (this.#quiet) {
      this.#since += 1;
      this.#last = line;
      return;
    }
    this.#options.write(line);
    this.#startQuiet();
  }

  /** Tell what was counted, and count no more. */
  close(): void {
    clearTimeout(this.#quiet);
    this.#quiet = undefined;
    this.#tellRest();
  }

  #startQuiet(): void {
    this.#quiet = setTimeout(() => {
      this.#quiet = undefined;
      if (this.#tellRest()) this.#startQuiet();
    }, this.#options.quietMs ?? QUIET_MS).unref();
  }

  #tellRest(): boolean {
    if (this.#since === 0) return false;
    this.#options.write(`${this.#since} more ${this.#options.what}; the last: ${this.#last}`);
    this.#since = 0;
    return true;
  }
}
