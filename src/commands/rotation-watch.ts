import { Cron } from "croner";
import type { Clock } from "../app/ports.js";
import type { RotationResult } from "../app/rotate-key.js";
import type { EpochMs, Millis } from "../domain/units.js";
import type { Log } from "../telemetry/log.js";
import type { RotationFacts } from "../telemetry/rotation-facts.js";
import { lineOfResult } from "./rotation-text.js";
import type { Rotating } from "./rotators.js";

const LOOK_MS: Millis = 1_000;
/** Replicas that look at one instant would find each other's work only: a tenth of the time between looks, and no more. */
const JITTER_MS: Millis = 60_000;
const JITTER_SHARE = 0.1;
/** After something that a person has to mend: it may be by then. */
const MENDED_MS: Millis = 600_000;
/** What is left of a step at the end may take that long, and is gone on with by the next process. */
const END_MS: Millis = 2_000;

export interface RotationWatchOptions {
  readonly rotating: readonly Rotating[];
  /** When keys are looked at whether they are due, UTC. */
  readonly cron: string;
  readonly clock: Clock;
  readonly facts: RotationFacts;
  readonly log: Log;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** One workspace's key, and when it is looked at next. */
interface Watched {
  readonly one: Rotating;
  next: EpochMs;
  begin: "due" | "never";
  /** What was said last, so that it is said once. */
  said: string | undefined;
}

/**
 * Rotates keys that are due when the schedule says so, and goes on with rotations that wait.
 *
 * Replicas that share a journal take turns: whoever comes first does what is to be done, and the others find it done.
 */
export class RotationWatch {
  readonly #options: RotationWatchOptions;
  readonly #watched: readonly Watched[];
  #cron: Cron | undefined;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;
  #isEnding = false;

  constructor(options: RotationWatchOptions) {
    this.#options = options;
    // At once: a process before this one may have been killed in the middle.
    this.#watched = options.rotating.map((one) => ({ one, next: 0, begin: "never", said: undefined }));
  }

  start(): void {
    this.#cron = new Cron(this.#options.cron, { timezone: "UTC", unref: true }, () => this.#schedule());
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** When keys are looked at next; undefined: never again. */
  nextAt(): Date | undefined {
    return this.#cron?.nextRun() ?? undefined;
  }

  /**
   * Look no more. A step that takes its time is left to the next process.
   *
   * @returns whether one is left, which would keep this process alive.
   */
  async stop(): Promise<boolean> {
    this.#isEnding = true;
    this.#cron?.stop();
    clearInterval(this.#timer);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, END_MS);
    });
    await Promise.race([this.#round, late]);
    clearTimeout(timer);
    for (const { one } of this.#watched) await one.rotator.close();
    return this.#round !== undefined;
  }

  #schedule(): void {
    const { clock, random } = this.#options;
    const between = (this.#cron?.nextRun()?.getTime() ?? 0) - Date.now();
    const at = clock.now() + random() * Math.min(JITTER_MS, Math.max(0, between) * JITTER_SHARE);
    for (const watched of this.#watched) {
      watched.begin = "due";
      watched.next = Math.min(watched.next, at);
    }
  }

  #look(): void {
    const { clock, log } = this.#options;
    if (!this.#watched.some(({ next }) => next <= clock.now())) return;
    this.#round ??= this.#lookAtAll()
      .catch((cause: unknown) => log.error("keys could not be rotated", cause))
      .finally(() => {
        this.#round = undefined;
      });
  }

  async #lookAtAll(): Promise<void> {
    for (const watched of this.#watched) {
      if (this.#isEnding) return;
      if (watched.next <= this.#options.clock.now()) await this.#lookAt(watched);
    }
  }

  async #lookAt(watched: Watched): Promise<void> {
    const { clock, facts } = this.#options;
    const { rotator, workspace } = watched.one;
    const { begin } = watched;
    // What throws is unexpected, and is not tried again each second.
    watched.next = clock.now() + MENDED_MS;
    if (begin === "never") {
      const plan = await rotator.plan({ begin });
      if ((plan.kind === "rests" || plan.kind === "begins") && plan.createdAt !== undefined) {
        facts.made(workspace, plan.createdAt);
      }
    }
    const result = await rotator.advance({ begin });
    this.#tell(watched, result);
    if (result.kind === "waiting") {
      watched.next = result.until;
      // Not begun, because somebody did not answer or is at it: it stays due.
      if (result.step !== undefined) watched.begin = "never";
      return;
    }
    watched.begin = "never";
    watched.next =
      result.kind === "stuck" && result.step !== undefined ? clock.now() + MENDED_MS : Number.POSITIVE_INFINITY;
  }

  #tell(watched: Watched, result: RotationResult): void {
    const { facts, log } = this.#options;
    const { workspace } = watched.one;
    facts.waits(workspace, result.kind === "waiting" || result.kind === "stuck" ? result.step : undefined);
    if (result.kind === "rests" && result.createdAt !== undefined) facts.made(workspace, result.createdAt);
    if (result.kind === "done") facts.made(workspace, result.rotation.at);
    const line = lineOfResult(result);
    // Said at each look of the schedule: nothing else tells that nothing could begin.
    const isNew = line !== watched.said || (result.kind === "stuck" && result.step === undefined);
    watched.said = line;
    if (result.kind === "done" || result.kind === "undone") facts.add(result.kind);
    if (line === undefined || !isNew || result.kind === "rests") return;
    if (result.kind === "stuck") facts.add("stuck");
    const isBad = result.kind === "stuck" || result.kind === "undone";
    log[isBad ? "error" : "info"](`key of ${workspace}: ${line}`);
  }
}

/** Say what is wrong with a schedule, for a person; undefined: nothing. */
export function faultInCron(cron: string): string | undefined {
  try {
    const next = new Cron(cron, { timezone: "UTC", paused: true }).nextRun();
    return next ? undefined : "never comes; write a time that comes, as 0 3 * * * for 3 o'clock each day";
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return "is no schedule; write minute, hour, day, month and weekday, as 0 3 * * * for 3 o'clock each day";
  }
}
