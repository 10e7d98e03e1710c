import type { MaybePromise } from "../app/ports.js";
import type { Metric } from "../domain/limit.js";
import type { EpochMs } from "../domain/units.js";
import type { DecisionLogFacts } from "./decisions/queued-decision-log.js";

/** What metrics read at a scrape, and no decision waits for. */
export interface MetricsSource {
  /** undefined: no policy is in force yet. */
  policy(): PolicyFacts | undefined;

  /** Since the built-in prices were last held against Mistral's. */
  catalogueAgeDays(): number;

  /** undefined: the store does not answer. */
  stats(): MaybePromise<StoreStats | undefined>;

  /** Reports of usage that wait for the store, or waited since the start. */
  pending(): PendingStats;

  /** Left out: nobody watches peers. */
  peers?(): PeerFacts;
  /** Posts of alerts since the start; left out: nobody is told. */
  alerts?(): Iterable<AlertPosts>;

  /** undefined, or left out: nothing here rotates keys. */
  rotations?(): RotationsSource | undefined;

  /** undefined, or left out: nothing here speaks TLS. */
  tls?(): TlsFacts | undefined;

  /** undefined, or left out: no decision log is written. */
  decisionLog?(): DecisionLogFacts | undefined;

  /**
   * Use against ceiling of the organization's, the workspaces' and the shared roles' limits that need a counter, each
   * once. Not of principals': there is no bound to their number. undefined: the store does not answer.
   */
  limits(): MaybePromise<readonly LimitUse[] | undefined>;
}

export interface PolicyFacts {
  readonly revision: string;
  /** The file has changed and is at fault: an earlier policy is in force. */
  readonly stale: boolean;
  /** Changed files since the start: swapped in, and refused for their faults or unreadable. */
  readonly reloads: { readonly ok: number; readonly failed: number };
}

export interface AlertPosts {
  readonly target: string;
  readonly outcome: "sent" | "failed";
  readonly count: number;
}

/** What is shown of the rotation of Mistral's keys. */
export interface RotationsSource {
  counts(): readonly RotationCount[];
  states(): readonly RotationState[];
}

export interface RotationCount {
  readonly outcome: "done" | "undone" | "stuck";
  readonly count: number;
}

export interface RotationState {
  readonly workspace: string;
  /** When the key in force was made; while it is replaced, the one before; undefined: not known. */
  readonly createdAt: EpochMs | undefined;
  /** Where its rotation waits; undefined: it does not. */
  readonly step: string | undefined;
}

export interface PendingStats {
  readonly waiting: number;
  readonly sent: number;
  readonly dropped: number;
}

export interface PeerFacts {
  /** Connections of callers and of Envoy that are open, those in their TLS handshake among them. */
  readonly connections: number;
  /** Peers that took more than their share and were cut off, since the start, by reason. */
  readonly cut: ReadonlyMap<string, number>;
}

export interface TlsFacts {
  /** When the certificate that listeners show is valid no more. */
  readonly expiresAt: EpochMs;
  /** Connections that were not let in, since the start. */
  readonly refused: number;
}

/** What a store knows of itself; undefined where it does not keep that number. */
export interface StoreStats {
  readonly open: number | undefined;
  /** Since the start; never goes back. */
  readonly expired: number | undefined;
  /** Reservations and unreserved usage that are open or still remembered. */
  readonly remembered: number | undefined;
  readonly counters: number | undefined;
  /** Of a store that replicas share; undefined: it is this process's alone. */
  readonly shared?: SharedStoreStats | undefined;
}

/** What this process saw of a shared store. All but `inDoubt` since the start. */
export interface SharedStoreStats {
  readonly isUp: boolean;
  /** How often it went away. */
  readonly down: number;
  /** How often it had lost all that it held. */
  readonly emptied: number;
  /** Calls that it could not carry out though it was there. */
  readonly failed: number;
  /** Parts of counters that differed from what open reservations hold, and were mended by this process. */
  readonly driftedLots: number;
  /** Calls refused by what was remembered for a moment, without asking it. */
  readonly refusedHere: number;
  /** Calls refused by its answer to another call of the same caller. */
  readonly refusalsShared: number;
  /** Reservations that may have been made though their callers were told otherwise, and are to be given back. */
  readonly inDoubt: number;
  /** Those that there was no room to remember. */
  readonly inDoubtDropped: number;
}

/** A limit's state; amounts in the metric's unit, nano-USD for `usd`. */
export interface LimitUse {
  readonly name: string;
  readonly scopeId: string;
  readonly metric: Metric;
  readonly ceiling: number;
  readonly used: number;
  readonly reserved: number;
}
