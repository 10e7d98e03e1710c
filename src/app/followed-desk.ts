import type { Desk } from "./desk.js";
import { FollowedStore } from "./followed-store.js";
import { decidedFacts, settledFacts } from "./trace-facts.js";
import type { CallTrace } from "./tracing.js";

/** Make of a desk one for a single call that is followed: the same, but for telling of what is done at it. */
export function followedDesk(desk: Desk, trace: CallTrace): Desk {
  const { log } = desk;
  return {
    ...desk,
    store: new FollowedStore(desk.store, trace),
    log: {
      decided: (decision) => {
        log.decided(decision);
        trace.tell(decidedFacts(decision));
      },
      settled: (settlement) => {
        log.settled(settlement);
        trace.tell(settledFacts(settlement));
      },
      released: (release) => log.released(release),
    },
  };
}
