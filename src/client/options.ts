import type { Endpoint } from "../domain/model.js";
import type { Decision, Recorded } from "./answers.js";
import type { Denial } from "./denial.js";

/** How a Windbreak is reached. */
export interface ConnectionOptions {
  /** `unix:/run/windbreak.sock` or `host:port`. Default `127.0.0.1:50051`. */
  readonly address?: string | undefined;
  /** Plain text where left out, which suits a Unix socket and loopback. */
  readonly tls?: TlsOptions | undefined;
  /** An API key (`wb_…`) or a token (JWT) to prove who calls by; a function is asked before each call. */
  readonly credential?: string | (() => string) | undefined;
  /** How long a decision may take, in milliseconds. Default 100. */
  readonly timeoutMs?: number | undefined;
}

/** PEM texts, not files. */
export interface TlsOptions {
  /** Who signs the server's certificate. */
  readonly ca: string | Buffer;
  /** This client's certificate and key, where the server asks for one. */
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  /** The name in the server's certificate; the host of the address where left out. */
  readonly serverName?: string | undefined;
}

/** Who calls, as far as the identity mode of the service asks to be told. */
export interface Caller {
  readonly principal?: string | undefined;
  readonly role?: string | undefined;
  readonly workspace?: string | undefined;
  /** Go to the decision log; they never decide. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** How calls to Mistral are guarded. */
export interface GuardOptions extends ConnectionOptions, Caller {
  /** Who makes this very call, over what is said above: a service that acts for many reads it from its own context. */
  readonly perCall?: (() => Caller) | undefined;
  /** Where no decision could be had: refuse the call (default), or make it, and report what it used as soon as can be. */
  readonly onUnavailable?: "deny" | "allow" | undefined;
  /** Say better than by the length of the body what a call may use. What it leaves out stays. */
  readonly estimate?: ((call: CallToEstimate) => Partial<Amounts> | undefined) | undefined;
  /** Calls that pass without a decision though they may cost: `["POST /v1/audio/speech"]`; `*` is one path segment. */
  readonly unguarded?: readonly string[] | undefined;
  /** Calls whose price does not stand in the model's rates are refused, unless named here. */
  readonly unpriced?: readonly ("priority_tier" | "built_in_tools")[] | undefined;
  /**
   * Send the dated model that was decided and priced in place of the alias that was asked for, whose meaning and price
   * may move (default). Mistral's answer then names that model. Forms, of transcriptions, are sent as they are.
   */
  readonly sendDatedModel?: boolean | undefined;
  /** Told of each decision, before the call goes on. What it throws ends the call. */
  readonly onDecision?: ((verdict: Verdict) => void) | undefined;
  /** Told of each settlement, and of each that was given up. Must not throw: nobody is there to catch it. */
  readonly onSettled?: ((settled: Settled) => void) | undefined;
}

/** What a call may use at the most. */
export interface Amounts {
  readonly inputTokens: number;
  /** Over all choices; 0: not set. */
  readonly maxOutputTokens: number;
  readonly pages: number;
  /** Whole seconds. */
  readonly audioSeconds: number;
}

/** A call as it was read from its body. */
export interface CallToEstimate extends Amounts {
  readonly endpoint: Endpoint;
  /** The agent's id where an agent stands for it. */
  readonly model: string;
  readonly streams: boolean;
  /**
   * Whether `inputTokens` is an upper bound: a byte counts as a token. False for agents, documents and sound in a chat;
   * such a call is refused unless `estimate` says how many tokens (and seconds) it may come to.
   */
  readonly isBounded: boolean;
  readonly body: Buffer;
}

export type Verdict =
  | { readonly kind: "allowed"; readonly decision: Decision }
  | { readonly kind: "denied"; readonly denial: Denial }
  /** No decision could be had, and `onUnavailable` is `allow`. */
  | { readonly kind: "failed_open"; readonly message: string };

export type Settled =
  | { readonly kind: "recorded"; readonly requestId: string; readonly recorded: Recorded }
  /** Windbreak would not take it, or was away for too long: the reservation ends by the policy's `unsettled`. */
  | { readonly kind: "lost"; readonly requestId: string; readonly message: string };
