import { Webhook } from "../alerts/webhook.js";
import type { AlertLog, AlertMarks, AlertNotice } from "../app/alert-ports.js";
import { AlertRounds } from "../app/alert-round.js";
import type { Desk } from "../app/desk.js";
import type { SecretPlace } from "../domain/secret-place.js";
import type { Millis } from "../domain/units.js";
import { keyIn, placeText, readKeyFile } from "../keys/read-key.js";
import { variable } from "../settings.js";
import type { AlertCounts } from "../telemetry/alert-counts.js";
import type { Log } from "../telemetry/log.js";
import { VERSION } from "../version.js";

const ROUND_MS: Millis = 5_000;

export interface AlertWatchOptions {
  readonly desk: Desk;
  readonly marks: AlertMarks;
  readonly counts: AlertCounts;
  readonly log: Log;
}

/** Looks after alerts, round by round. */
export class AlertWatch {
  readonly #log: Log;
  readonly #rounds: AlertRounds;
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;

  constructor({ desk, marks, counts, log }: AlertWatchOptions) {
    this.#log = log;
    const notifier = new Webhook({ secretAt, userAgent: `windbreak/${VERSION}`, stopped: this.#stopping.signal });
    const { signal: stopped } = this.#stopping;
    this.#rounds = new AlertRounds({ desk, marks, notifier, log: alertLog(counts, log), stopped });
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), ROUND_MS).unref();
  }

  /** Look no more, and break off what is being told: the next to look tells it again. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopping.abort();
    await this.#round;
    await this.#rounds.settled();
  }

  #look(): void {
    this.#round ??= this.#rounds
      .run()
      .catch((cause: unknown) => this.#log.error("alerts could not be looked after", cause))
      .finally(() => {
        this.#round = undefined;
      });
  }
}

async function secretAt(place: SecretPlace): Promise<{ readonly key: string } | { readonly why: string }> {
  const read = place.kind === "file" ? await readKeyFile(place.path) : keyIn(variable(place.name));
  return read.kind === "key" ? { key: read.key } : { why: `${placeText(place)} ${read.why}` };
}

function alertLog(counts: AlertCounts, log: Log): AlertLog {
  return {
    told: (notice) => {
      counts.add(notice.target.name, "sent");
      log.info(`told ${notice.target.name} of ${named(notice)}`);
    },
    failed: (notice, why) => {
      counts.add(notice.target.name, "failed");
      log.error(`notify.${notice.target.name} could not be told of ${named(notice)}, and will be tried again: ${why}`);
    },
  };
}

function named({ occasion, limit }: AlertNotice): string {
  const what = occasion.kind === "threshold" ? `${occasion.percent} %` : "the forecast";
  const whose = [limit.principal, limit.workspace].find((name) => name !== "");
  return `${what} of ${limit.limit.name}${whose === undefined ? "" : ` (${whose})`}`;
}
