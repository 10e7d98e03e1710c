import type { Distrust, Door } from "../domain/distrust.js";
import type { Log } from "../telemetry/log.js";
import type { Metrics } from "../telemetry/metrics.js";
import { Seldom } from "../telemetry/seldom.js";
import type { Stranger } from "../transport/stranger.js";

/** How each door is called in the log. */
const DOORS: Readonly<Record<Door, string>> = { grpc: "--listen", envoy: "--listen-envoy", admin: "--admin" };

/** What is said where what the caller was told repeats a part of its message. */
const WORDS: Partial<Readonly<Record<Distrust, string>>> = {
  keys_away: "the keys of its token's issuer cannot be had",
  another: "it claims, or its credentials mean, another than was proved",
  unknown: "the policy makes no principal, role or workspace of it",
};

/** Counts calls that were refused for who makes them, and tells of them in the log: at each door one line a minute. */
export class TurnedAway {
  readonly #metrics: Pick<Metrics, "turnedAway">;
  readonly #told: Readonly<Record<Door, Seldom>>;

  constructor(log: Pick<Log, "warn">, metrics: Pick<Metrics, "turnedAway">) {
    this.#metrics = metrics;
    const seldom = (door: Door) =>
      new Seldom({ what: `calls at ${DOORS[door]} were refused for who makes them`, write: (line) => log.warn(line) });
    this.#told = { grpc: seldom("grpc"), envoy: seldom("envoy"), admin: seldom("admin") };
  }

  /** Make what a door tells of each. */
  at(door: Door): (stranger: Stranger) => void {
    return ({ why, told, peer }) => {
      this.#metrics.turnedAway(door, why);
      const words = told ?? WORDS[why];
      const because = words === undefined ? why : `${why}: ${words}`;
      this.#told[door].tell(`a call at ${DOORS[door]} from ${peer} was refused (${because})`);
    };
  }

  /** Tell what was counted since the last line, and count no more. */
  close(): void {
    for (const seldom of Object.values(this.#told)) seldom.close();
  }
}
