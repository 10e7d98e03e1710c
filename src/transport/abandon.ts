import type { WhyReleased } from "../app/decision-log.js";
import type { Desk } from "../app/desk.js";
import type { Prover } from "../app/identity-ports.js";
import type { Tracing } from "../app/tracing.js";
import { whenDone } from "../app/when-done.js";
import type { Draining } from "./draining.js";
import type { Stranger } from "./stranger.js";

/** What the service needs besides the use cases. */
export interface ServiceOptions {
  readonly desk: Desk;
  readonly draining: Draining;
  /** Whether a log asks how calls come in. */
  readonly asksOrigin?: boolean | undefined;
  /** Follows calls; left out where nobody asked for traces. */
  readonly tracing?: Tracing | undefined;
  /** Verifies what callers show; left out where nobody looks at it. */
  readonly prover?: Prover | undefined;
  /** Told how long a decision took, in milliseconds. */
  readonly timed: (ms: number) => void;
  /** Told of each call that was refused for who makes it; left out where nobody counts them. */
  readonly turnedAway?: (stranger: Stranger) => void;
  /** Told of what nobody expected. */
  readonly failed: (cause: unknown) => void;
}

/** Give back what was reserved for a call that does not go on; for a caller who went away before it was told, if not said. */
export function abandon(
  { desk, failed }: Pick<ServiceOptions, "desk" | "failed">,
  reservationId: string,
  why: WhyReleased = "caller_gone",
): void {
  if (reservationId === "") return;
  const now = desk.clock.now();
  const { calendar } = desk.snapshot();
  const told = whenDone(desk.store.release({ reservationId, forget: true, now, calendar }), ({ kind }) => {
    if (kind === "released") desk.log.released({ reservationId, why });
  });
  if (told instanceof Promise) told.catch(failed);
}
