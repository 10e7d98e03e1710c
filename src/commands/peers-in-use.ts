import type { Log } from "../telemetry/log.js";
import type { PeerFacts } from "../telemetry/metrics-source.js";
import { Seldom } from "../telemetry/seldom.js";
import { CUT_REASONS, type Cut, type CutReason } from "../transport/bounds.js";
import type { Listener } from "../transport/listeners.js";

/** Tells of peers that were cut off, in the log and in metrics. */
export class PeersInUse {
  readonly #counts = new Map<CutReason, number>(CUT_REASONS.map((reason) => [reason, 0]));
  readonly #told: ReadonlyMap<CutReason, Seldom>;

  constructor(log: Pick<Log, "warn">) {
    const write = (line: string) => log.warn(line);
    this.#told = new Map(
      CUT_REASONS.map((reason) => [reason, new Seldom({ what: `peers were cut off (${reason})`, write })]),
    );
  }

  /** To be told of each one that is cut off. */
  readonly cut: Cut = (reason, what) => {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    this.#told.get(reason)?.tell(`a peer was cut off (${reason}): ${what}`);
  };

  /** For metrics. @param listeners of callers and of Envoy. */
  facts(listeners: readonly Listener[]): PeerFacts {
    return { connections: listeners.reduce((sum, { size }) => sum + size, 0), cut: this.#counts };
  }

  /** Tell what was counted, and no more. */
  close(): void {
    for (const seldom of this.#told.values()) seldom.close();
  }
}
