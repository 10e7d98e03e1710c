import type { SecretPlace } from "./secret-place.js";

/** When to tell whom about which limits, as one entry of the policy's `alerts` says. */
export interface Alert {
  /** Shares of the ceiling in percent, 1 to 100. */
  readonly at: readonly number[];
  /** Tell also when a calendar window's pace will use its ceiling up before it ends. */
  readonly forecast: boolean;
  /** Names of limits, in which `*` stands for any characters. */
  readonly limits: readonly string[];
  readonly target: AlertTarget;
}

/** Whom alerts tell. */
export interface AlertTarget {
  readonly name: string;
  /** The URL to post to. May itself be a secret, as Slack's are: never to be shown. */
  readonly webhook: string;
  /** What posts are signed with; undefined: they are not signed. */
  readonly secret: SecretPlace | undefined;
}
