import type { Policy } from "../domain/policy.js";
import { Calendar } from "../domain/window.js";
import type { Clock, CounterStore } from "./ports.js";
import { Snapshot } from "./snapshot.js";

/** Holds the snapshot that new requests are decided by. */
export class SnapshotInForce {
  readonly #store: CounterStore;
  readonly #clock: Clock;
  #current: Snapshot;

  constructor(policy: Policy, store: CounterStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#current = new Snapshot(policy, new Calendar(policy.timezone), store);
  }

  current(): Snapshot {
    return this.#current;
  }

  /** Put another policy in force. Counters stay; the windows of an edited time zone go on from those that are open. */
  swap(policy: Policy): void {
    const { calendar } = this.#current;
    const isSameZone = calendar.timezone === policy.timezone;
    const next = isSameZone ? calendar : new Calendar(policy.timezone, calendar.at(this.#clock.now()));
    this.#current = new Snapshot(policy, next, this.#store);
  }
}
