import type { KeysFile, UpstreamRule } from "../domain/keys-file.js";
import type { EpochMs, Millis } from "../domain/units.js";
import type { SinkRead } from "./key-in-force.js";
import type { KeyFault, KeyProbe, KeyProvider, KeyUses, SecretSink } from "./key-ports.js";
import type { Clock } from "./ports.js";
import type { OpenRotation, Rotation, Step } from "./rotation.js";

/** What rotates the key of one of the policy's workspaces. */
export interface RotationMeans {
  /** The policy's name of it. */
  readonly workspace: string;
  readonly rule: UpstreamRule;
  readonly times: KeysFile["rotation"];
  readonly provider: KeyProvider;
  readonly sink: SecretSink;
  /** Where the keys of other workspaces are kept, and can be read: one that stands there too is not revoked. */
  readonly otherSinks: readonly SecretSink[];
  readonly probe: KeyProbe;
  /** What Windbreak itself saw; undefined: nothing is looked at. */
  readonly uses: KeyUses | undefined;
  readonly clock: Clock;
  /** Gives so many random bytes, for a name that no other rotation has. */
  readonly random: (count: number) => Uint8Array;
}

/** What one step has at hand. */
export interface StepMeans extends RotationMeans {
  /** A person has decided that the keys before may go, whoever uses them. */
  readonly retireAnyway: boolean;
  readonly secrets: Secrets;
  /** Hold on to the rotation. @throws NotOurs where it is another's meanwhile. */
  readonly keep: () => Promise<void>;
}

/** Secrets that are in no journal: what this process alone knows, and a crash forgets. */
export interface Secrets {
  made: { readonly id: string; readonly secret: string } | undefined;
  /** What the sink held before. */
  before: string | undefined;
  /** The id of the key that the sink was offered last. */
  offered: string | undefined;
  /** Ids of keys that were made in vain and revoked: a list may go on telling of them. */
  readonly revoked: Set<string>;
}

/** The rotation was given to another process: nothing more is to be done here. */
export class NotOurs extends Error {}

/** Something is still to come. */
export interface Waiting {
  readonly kind: "waiting";
  readonly step: Step | undefined;
  /** When it is worth while to go on. */
  readonly until: EpochMs;
  readonly why: string;
  /** This process alone knows the new key's secret: if it ends now, another key has to be made. */
  readonly mustStay: boolean;
  /** Another process is at it, and may have ended it when this one asks again. */
  readonly isTaken: boolean;
}

/** Somebody has to do something. The key before is in force, or the new one is; either way one that works. */
export interface Stuck {
  readonly kind: "stuck";
  readonly step: Step | undefined;
  readonly why: string;
  readonly remedy: string;
}

/** The step was taken: what is to be written down, and what is to be told of it. */
export interface Taken {
  readonly kind: "next";
  readonly rotation: Rotation;
  readonly told: string;
}

export type StepResult = Taken | Waiting | Stuck;

/** After an answer that did not come. */
const RETRY_MS: Millis = 30_000;
/** While only this process knows a secret. */
const SOON_MS: Millis = 2_000;

export function stuck({ step }: OpenRotation, why: string, remedy: string): Stuck {
  return { kind: "stuck", step, why, remedy };
}

/** Wait for what only a later look can tell. */
export function waiting({ step }: OpenRotation, why: string, until: EpochMs): Waiting {
  return { kind: "waiting", step, until, why, mustStay: false, isTaken: false };
}

/** Wait in this process, which alone knows the secret. */
export function staying({ step }: OpenRotation, why: string, now: EpochMs): Waiting {
  return { kind: "waiting", step, until: now + SOON_MS, why, mustStay: true, isTaken: false };
}

/** Come to what a fault of the provider means: asked again where it did not answer, else for a person to mend. */
export function faulted(rotation: OpenRotation, fault: KeyFault, now: EpochMs): Waiting | Stuck {
  if (fault.kind === "unknown") return waiting(rotation, fault.why, now + RETRY_MS);
  return stuck(rotation, fault.why, "all keys stay as they are until then; rotate again, which goes on from here");
}

/** Read what the sink holds. A place that gives things back, and does not now, is waited for: nothing is done unseen. */
export async function readSink(rotation: OpenRotation, { sink, rule, clock }: StepMeans): Promise<SinkRead | Waiting> {
  const held = await sink.read();
  if (held.kind !== "unreadable" || isWriteOnly(rule)) return held;
  return waiting(rotation, held.why, clock.now() + RETRY_MS);
}

/** Whether a place never gives back what it was given. */
export function isWriteOnly({ sink }: UpstreamRule): boolean {
  return sink.kind === "command";
}
