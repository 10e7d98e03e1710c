import { type Ask, type Begin, beginRotation, type Resting, stuckBefore, waitBefore } from "./begin-rotation.js";
import { KnownSecrets } from "./known-secrets.js";
import { create, keyNameOf, store } from "./make-key.js";
import type { Away } from "./ports.js";
import { retire, revoke } from "./retire-keys.js";
import { type EndedRotation, type OpenRotation, type Rotation, readRotation, writeRotation } from "./rotation.js";
import type { RotationHold, RotationJournal } from "./rotation-ports.js";
import {
  NotOurs,
  type RotationMeans,
  type Secrets,
  type StepMeans,
  type StepResult,
  type Stuck,
  type Waiting,
} from "./rotation-step.js";
import { propagate, undo, verify } from "./try-key.js";

export interface RotatorOptions extends RotationMeans {
  readonly journal: RotationJournal;
  /** Told of each change in one line, without the workspace. Must not throw. */
  readonly told: (line: string) => void;
}

export type RotationResult =
  | { readonly kind: "done"; readonly rotation: EndedRotation; readonly told: string }
  | { readonly kind: "undone"; readonly rotation: EndedRotation; readonly told: string }
  /** Nothing is under way, and nothing was to begin. */
  | Resting
  | Waiting
  | Stuck;

/** What a rotation would do, or goes on with. */
export type RotationPlan = { readonly kind: "goes on"; readonly rotation: OpenRotation } | Begin;

/**
 * Rotates the key of one workspace: make, store, let readers take it up, try, wait until the key before is out of use,
 * revoke that.
 *
 * Each step is written down before it is taken and may be taken twice, so that any process goes on where one was killed.
 * Until the last step the key before works, and at every moment the sink holds a key that does. Secrets are kept here,
 * from call to call, and nowhere else.
 */
export class KeyRotator {
  readonly #options: RotatorOptions;
  readonly #secrets: Secrets = { made: undefined, before: undefined, offered: undefined, revoked: new Set() };
  /** Kept from call to call while no other process could go on. */
  #hold: RotationHold | undefined;

  constructor(options: RotatorOptions) {
    const known = new KnownSecrets();
    this.#options = { ...options, sink: known.noting(options.sink), provider: known.keptFrom(options.provider) };
  }

  /** Go as far as can be gone now; waits for answers, and for nothing else. */
  async advance(ask: Ask): Promise<RotationResult> {
    const { journal, workspace } = this.#options;
    let hold = this.#hold;
    if (!hold) {
      const holding = await journal.hold(workspace);
      if (holding.kind === "away") return this.#away(holding);
      if (holding.kind === "taken") return this.#taken(holding.by);
      hold = holding.hold;
    }
    this.#hold = undefined;
    let result: RotationResult | undefined;
    try {
      result = await this.#advance(hold, ask);
      return result;
    } catch (error) {
      if (error instanceof NotOurs) return this.#taken(undefined);
      throw error;
    } finally {
      if (result?.kind === "waiting" && result.mustStay) this.#hold = hold;
      else await hold.release();
    }
  }

  /** Say what `advance` would begin with. Changes nothing. */
  async plan(ask: Ask): Promise<RotationPlan> {
    const { journal, workspace } = this.#options;
    const read = await journal.look(workspace);
    if (read.kind === "away") return this.#away(read);
    const rotation = read.kind === "none" ? undefined : readRotation(read.text, workspace);
    if (read.kind === "text" && !rotation) return this.#damaged();
    if (rotation && rotation.step !== "ended") return { kind: "goes on", rotation };
    return beginRotation(this.#options, rotation, ask);
  }

  /** End a rotation that is under way where it stands: nothing is stored or revoked any more. */
  async abandon(): Promise<RotationResult> {
    const { journal, workspace, clock } = this.#options;
    const holding = await journal.hold(workspace);
    if (holding.kind === "away") return this.#away(holding);
    if (holding.kind === "taken") return this.#taken(holding.by);
    try {
      const read = await holding.hold.read();
      if (read.kind === "away") return this.#away(read);
      if (read.kind === "none") return { kind: "rests", dueAt: undefined, createdAt: undefined };
      const rotation = readRotation(read.text, workspace);
      if (rotation?.step === "ended") return { kind: "rests", dueAt: undefined, createdAt: undefined };
      const ended = {
        step: "ended",
        workspace,
        outcome: "abandoned",
        at: clock.now(),
        key: undefined,
        why: undefined,
      } as const;
      const written = await this.#write(holding.hold, ended);
      if (written) return written;
      return { kind: "done", rotation: ended, told: `the rotation was ended; ${leftBehind(rotation)}` };
    } finally {
      await holding.hold.release();
    }
  }

  /** Give the rotation up to others; a secret that only this process knows is lost to them. */
  async close(): Promise<void> {
    const hold = this.#hold;
    this.#hold = undefined;
    await hold?.release();
  }

  async #advance(hold: RotationHold, ask: Ask): Promise<RotationResult> {
    const { workspace } = this.#options;
    const read = await hold.read();
    if (read.kind === "away") return this.#away(read);
    let rotation: Rotation | undefined;
    if (read.kind === "text") {
      rotation = readRotation(read.text, workspace);
      if (!rotation) return this.#damaged();
    }
    if (!rotation || rotation.step === "ended") {
      if (ask.begin === "never") return { kind: "rests", dueAt: undefined, createdAt: undefined };
      const begun = await beginRotation(this.#options, rotation, ask);
      if (begun.kind !== "begins") return begun;
      this.#forget();
      rotation = begun.rotation;
      const written = await this.#write(hold, rotation);
      if (written) return written;
    }
    return this.#goOn(hold, rotation, ask);
  }

  async #goOn(hold: RotationHold, from: OpenRotation, { retireAnyway = false }: Ask): Promise<RotationResult> {
    const keep = async () => {
      if ((await hold.keep()).kind !== "kept") throw new NotOurs();
    };
    const means: StepMeans = { ...this.#options, secrets: this.#secrets, keep, retireAnyway };
    let rotation = from;
    for (;;) {
      await keep();
      const result = await take(rotation, means);
      if (result.kind !== "next") return result;
      const written = await this.#write(hold, result.rotation);
      if (written) return written;
      this.#options.told(result.told);
      if (result.rotation.step === "ended") {
        this.#forget();
        const kind = result.rotation.outcome === "undone" ? "undone" : "done";
        return { kind, rotation: result.rotation, told: result.told };
      }
      rotation = result.rotation;
    }
  }

  /** @returns why nothing more is to be done; undefined: it was written. */
  async #write(hold: RotationHold, rotation: Rotation): Promise<Waiting | undefined> {
    const written = await hold.write(writeRotation(rotation));
    if (written.kind === "away") return this.#away(written);
    return written.kind === "lost" ? this.#taken(undefined) : undefined;
  }

  #forget(): void {
    this.#secrets.made = undefined;
    this.#secrets.before = undefined;
    this.#secrets.offered = undefined;
    this.#secrets.revoked.clear();
  }

  #away({ cause }: Away): Waiting {
    const why = cause instanceof Error ? cause.message : String(cause);
    return waitBefore(this.#options.clock, `${this.#options.journal.place} cannot be reached: ${why}`);
  }

  #taken(by: string | undefined): Waiting {
    return waitBefore(
      this.#options.clock,
      `${by === undefined ? "another process" : `process ${by}`} is rotating this key now`,
      true,
    );
  }

  #damaged(): Stuck {
    const why = `what ${this.#options.journal.place} holds of this workspace's rotation cannot be read, so it is not known whether one is under way`;
    return stuckBefore(
      why,
      "restore it from a copy, or see which keys Mistral lists and end the rotation by --abandon",
    );
  }
}

/** Say which keys an abandoned rotation leaves. */
function leftBehind(rotation: OpenRotation | undefined): string {
  if (!rotation) return "which keys it made is not known";
  const keys = [...rotation.leaving, ...("made" in rotation ? [rotation.made] : [])].map(({ id }) => id);
  const left = keys.length === 1 ? `key ${keys[0]} is left as it is` : `keys ${keys.join(", ")} are left as they are`;
  if (rotation.step !== "create") return left;
  const made = `a key named ${keyNameOf(rotation)} may have been made: look for it by windbreak keys list --upstream, and revoke it`;
  return keys.length === 0 ? made : `${left}; ${made}`;
}

function take(rotation: OpenRotation, means: StepMeans): Promise<StepResult> | StepResult {
  switch (rotation.step) {
    case "create":
      return create(rotation, means);
    case "store":
      return store(rotation, means);
    case "propagate":
      return propagate(rotation, means);
    case "verify":
      return verify(rotation, means);
    case "retire":
      return retire(rotation, means);
    case "revoke":
      return revoke(rotation, means);
    case "undo":
      return undo(rotation, means);
  }
}
