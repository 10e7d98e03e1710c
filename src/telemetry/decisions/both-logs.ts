import type { Decided, DecisionLog, Released, Settled } from "../../app/decision-log.js";

/** Tell two logs of everything, the first one first. */
export function bothLogs(first: DecisionLog, second: DecisionLog): DecisionLog {
  return {
    decided(decision: Decided): void {
      first.decided(decision);
      second.decided(decision);
    },
    settled(settlement: Settled): void {
      first.settled(settlement);
      second.settled(settlement);
    },
    released(release: Released): void {
      first.released(release);
      second.released(release);
    },
  };
}
