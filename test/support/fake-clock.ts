import type { Clock } from "../../src/app/ports.js";
import type { EpochMs, Millis } from "../../src/domain/units.js";

/** A clock that a test moves by hand. */
export class FakeClock implements Clock {
  #now: EpochMs;

  /** @param start an instant as ISO 8601, such as `2026-03-10T12:00:00Z`. */
  constructor(start: string) {
    this.#now = instant(start);
  }

  now(): EpochMs {
    return this.#now;
  }

  advance(ms: Millis): void {
    this.#now += ms;
  }

  /** Move to an instant, backwards too. */
  moveTo(at: EpochMs | string): void {
    this.#now = typeof at === "string" ? instant(at) : at;
  }
}

/** Read an instant as ISO 8601. @throws RangeError where the text is none. */
export function instant(text: string): EpochMs {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new RangeError(`${text} is no instant`);
  return at;
}
