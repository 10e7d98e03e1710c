import type { Desk } from "../app/desk.js";
import { isLimitCursor, listLimits } from "../app/list-limits.js";
import { keysSeen } from "../app/read-key-uses.js";
import { readTotals } from "../app/read-totals.js";
import { whenDone } from "../app/when-done.js";
import type { KeyNotes } from "../keys/key-notes.js";
import type { UpstreamKeys } from "../keys/upstream-keys.js";
import type { LivePolicy } from "../policy/live-policy.js";
import type { AdminSource } from "../transport/admin-source.js";
import type { Listener } from "../transport/listeners.js";
import type { StoreInUse } from "./store-in-use.js";

export interface AdminAnswersOptions {
  readonly desk: Desk;
  readonly counters: StoreInUse;
  readonly keyNotes: KeyNotes;
  /** undefined: Mistral's keys go out nowhere here. */
  readonly upstreamKeys: UpstreamKeys | undefined;
  /** undefined: no policy is in force yet. */
  readonly live: () => LivePolicy | undefined;
  /** From the first moment, as health says it: a balancer must look away while calls are still taken. */
  readonly isEnding: () => boolean;
  readonly listeners: () => readonly Listener[];
}

/** What the admin port is answered from: the service as it runs, and its counters. */
export function adminSource(options: AdminAnswersOptions): AdminSource {
  const { desk, counters, keyNotes, upstreamKeys, live, isEnding, listeners } = options;
  const { clock } = desk;
  return {
    ready: () => {
      const state = live()?.state();
      return {
        policy: state && { revision: state.revision, stale: state.stale },
        faults: state?.faults ?? [],
        store: counters.isUp() ? "up" : "down",
        draining: isEnding(),
        listeners: listeners(),
      };
    },
    limits: (page) => (isLimitCursor(page.after) ? listLimits(desk, page) : { kind: "bad_cursor" }),
    reservations: (page) => counters.store.reservations(page, clock.now()),
    totals: (asked) => readTotals(desk, asked),
    keys: async () => {
      const seen = await keyNotes.seen();
      if (seen.kind === "away") return seen;
      return keysSeen(desk.snapshot().policy, upstreamKeys?.inForce() ?? new Map(), seen);
    },
    release: (reservationId) => {
      const release = { reservationId, forget: false, now: clock.now(), calendar: desk.snapshot().calendar };
      return whenDone(counters.store.release(release), (result) => {
        if (result.kind === "released") desk.log.released({ reservationId, why: "operator" });
        return result;
      });
    },
  };
}
