import type { EpochMs, Millis } from "../../domain/units.js";
import type { Random24 } from "../memory/ids.js";
import { takeLook } from "./drift-look.js";
import { readLotName } from "./drift-lots.js";
import { type DriftResult, DriftTally } from "./drift-report.js";
import { Abandoned, DriftSession } from "./drift-session.js";
import type { Keys } from "./keys.js";
import type { ScriptServer } from "./script-server.js";
import type { Scripts } from "./scripts.js";

export interface DriftCheckOptions {
  readonly server: ScriptServer;
  readonly scripts: Scripts;
  /** Of the organization whose policy is in force. */
  readonly keys: () => Keys;
  /** The least `reservation_ttl` of any workspace in the policy in force. */
  readonly leastTtlMs: () => Millis;
  readonly random: Random24;
  /** Told what each run that was not asked for by `run` came to. Must not throw. */
  readonly report: (result: DriftResult) => void;
  /** What scripts take for the time; the server's own when left out. */
  readonly time?: () => EpochMs;
  /** From the end of a run to the next one, more or less. */
  readonly everyMs?: Millis;
  /** From `start` to the first run, more or less. */
  readonly firstMs?: Millis;
  /** Between two calls of a run. */
  readonly pauseMs?: Millis;
  /** Longer than any answer takes; what other replicas wait after this one died. */
  readonly leaseMs?: Millis;
}

const EVERY_MS: Millis = 300_000;
const FIRST_MS: Millis = 60_000;
const PAUSE_MS: Millis = 5;
const LEASE_MS: Millis = 30_000;
/** However short reservations live, the server is left alone for so long. */
const LEAST_EVERY_MS: Millis = 30_000;
/** Replicas that were started together are not to run together: a tenth sooner or later. */
const JITTER = 0.1;
/** A look that finds, one that confirms, and one or two that take back what a refill added too much. */
const MOST_ROUNDS = 3;
const WORD = 2 ** 24;

/**
 * Compares what counters say is reserved with what open reservations hold, and repairs the difference.
 *
 * Scripts change both in one step, so they differ only after a key was deleted or evicted, a failover lost writes, or a
 * defect. One replica at a time looks, in parts that take the server well under a millisecond each.
 */
export class DriftCheck {
  readonly #options: DriftCheckOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: DriftCheckOptions) {
    this.#options = options;
  }

  /** Look once, and repair. Never rejects for a server that fails. */
  async run(): Promise<DriftResult> {
    const { keys, pauseMs = PAUSE_MS, leaseMs = LEASE_MS } = this.#options;
    const session = new DriftSession({
      ...this.#options,
      keys: keys(),
      value: this.#word(),
      pauseMs,
      leaseMs,
      isStopped: () => this.#isStopped,
    });
    try {
      if (!(await session.begin())) return { kind: "elsewhere" };
      try {
        return await this.#check(session);
      } finally {
        await session.end();
      }
    } catch (cause) {
      if (cause instanceof Abandoned) return cause.result;
      if (cause instanceof Error) return { kind: "away", cause };
      throw cause;
    }
  }

  /** Run again and again, until it is stopped. */
  start(): void {
    this.#plan(this.#options.firstMs ?? FIRST_MS);
  }

  /** Run no more. Resolves when a run that is under way has let go of the server. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #plan(ms: Millis): void {
    if (this.#isStopped) return;
    const jittered = ms * (1 - JITTER + (2 * JITTER * this.#options.random()) / WORD);
    this.#timer = setTimeout(() => {
      this.#running = this.#tick();
    }, jittered).unref();
  }

  async #tick(): Promise<void> {
    const { report, leastTtlMs, everyMs = EVERY_MS } = this.#options;
    report(await this.run());
    // A lot is compared when it ends within the least ttl: twice in that time, so that none ends unseen.
    this.#plan(Math.min(everyMs, Math.max(leastTtlMs() / 2, LEAST_EVERY_MS)));
  }

  async #check(session: DriftSession): Promise<DriftResult> {
    const { leastTtlMs, random } = this.#options;
    const seed = random();
    const first = await takeLook({ session, leastTtlMs, seed });
    const tally = new DriftTally();
    let doubted = first.differences;
    for (let round = 0; round < MOST_ROUNDS && doubted.size > 0; round++) {
      const again = await takeLook({ session, leastTtlMs, seed, only: new Set(doubted.keys()) });
      doubted = await repair(session, confirmed(doubted, again.differences), tally);
    }
    return tally.report(first.open, first.lots);
  }

  #word(): string {
    const { random } = this.#options;
    return [random(), random(), random()].join("-");
  }
}

/** What two looks found alike, the lesser of both: so nothing that was seen once, for whatever reason, is acted on. */
function confirmed(
  before: ReadonlyMap<string, number>,
  again: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const both = new Map<string, number>();
  for (const [name, difference] of again) {
    const known = before.get(name) ?? 0;
    if (Math.sign(known) !== Math.sign(difference)) continue;
    both.set(name, Math.sign(difference) * Math.min(Math.abs(known), Math.abs(difference)));
  }
  return both;
}

/**
 * Change lots by what they were found to hold too much or to lack.
 *
 * @returns what may have been added too much: a lot that lacks something gives nothing back to what is settled meanwhile.
 */
async function repair(
  session: DriftSession,
  differences: ReadonlyMap<string, number>,
  tally: DriftTally,
): Promise<ReadonlyMap<string, number>> {
  const changes = [...differences].map(([name, difference]) => ({ ...readLotName(name), name, amount: -difference }));
  const added = new Map<string, number>();
  for await (const [lot, by] of session.change(changes)) {
    if (by === 0) continue;
    tally.add(lot.name, lot, by);
    if (by > 0) added.set(lot.name, by);
  }
  return added;
}
