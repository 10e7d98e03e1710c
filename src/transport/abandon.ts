import type { Desk } from "../app/desk.js";
import type { Prover } from "../app/identity-ports.js";
import type { Draining } from "./draining.js";
import type { Stranger } from "./stranger.js";

/** What the service needs besides the use cases. */
export interface ServiceOptions {
  readonly desk: Desk;
  readonly draining: Draining;
  /** Verifies what callers show; left out where nobody looks at it. */
  readonly prover?: Prover | undefined;
  /** Told how long a decision took, in milliseconds. */
  readonly timed: (ms: number) => void;
  /** Told of each call that was refused for who makes it; left out where nobody counts them. */
  readonly turnedAway?: (stranger: Stranger) => void;
  /** Told of what nobody expected. */
  readonly failed: (cause: unknown) => void;
}

/** Give back what was reserved for a caller who went away before it was told. */
export function abandon({ desk, failed }: ServiceOptions, reservationId: string): void {
  if (reservationId === "") return;
  const now = desk.clock.now();
  const { calendar } = desk.snapshot();
  const released = desk.store.release({ reservationId, forget: true, now, calendar });
  if (released instanceof Promise) released.catch(failed);
}
