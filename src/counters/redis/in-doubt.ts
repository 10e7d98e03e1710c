import type { Millis } from "../../domain/units.js";

/** How long after a try that found nothing the next one comes, for what was still on its way. */
const AFTER_MS: readonly Millis[] = [2_000, 8_000];
const LOOK_MS: Millis = 250;
/** So many are given back in one look, so that callers do not wait behind them. */
const AT_ONCE = 500;
/** Beyond it the rest end by `unsettled`, as if their callers had died. */
const MOST = 20_000;

export interface InDoubtOptions {
  /** Whether the store is worth asking. */
  readonly isUp: () => boolean;
  /** Give one reservation back. */
  readonly giveBack: (reservationId: string) => Promise<"released" | "not_open" | "away">;
}

interface Try {
  /** How many tries found nothing. */
  readonly nth: number;
  /** On the steady clock. */
  readonly due: number;
}

/**
 * Reservations that may have been made though their callers were told that the store is away.
 *
 * A command on a connection that broke may have been carried out, or may be yet: a paused server reads what was sent to
 * it before. So each is given back as soon as the store is there, and again, until the store has said that it was.
 */
export class InDoubt {
  readonly #options: InDoubtOptions;
  readonly #waiting = new Map<string, Try>();
  #looking: NodeJS.Timeout | undefined;
  #isClosed = false;
  #dropped = 0;

  constructor(options: InDoubtOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** How many could not be kept. */
  get dropped(): number {
    return this.#dropped;
  }

  add(reservationId: string): void {
    if (this.#waiting.has(reservationId)) return;
    if (this.#waiting.size >= MOST) {
      this.#dropped++;
      return;
    }
    this.#waiting.set(reservationId, { nth: 0, due: performance.now() });
    this.#plan();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#looking);
    this.#looking = undefined;
  }

  #plan(): void {
    if (this.#isClosed || this.#looking || this.#waiting.size === 0) return;
    this.#looking = setTimeout(() => void this.#look(), LOOK_MS).unref();
  }

  async #look(): Promise<void> {
    if (this.#options.isUp()) {
      const now = performance.now();
      const due = [...this.#waiting].filter(([, { due }]) => due <= now).slice(0, AT_ONCE);
      await Promise.all(due.map(([id, { nth }]) => this.#try(id, nth)));
    }
    this.#looking = undefined;
    this.#plan();
  }

  async #try(id: string, nth: number): Promise<void> {
    const said = await this.#options.giveBack(id);
    if (said === "away") return;
    const after = AFTER_MS[nth];
    if (said === "released" || after === undefined) this.#waiting.delete(id);
    else this.#waiting.set(id, { nth: nth + 1, due: performance.now() + after });
  }
}
