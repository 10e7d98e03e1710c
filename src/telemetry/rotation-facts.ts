import type { EpochMs } from "../domain/units.js";
import type { RotationCount, RotationState } from "./metrics-source.js";

type Outcome = RotationCount["outcome"];

/** What is shown of rotations: how they ended, and how each workspace's key stands. Workspaces are those of the keys file. */
export class RotationFacts {
  readonly #counts: Record<Outcome, number> = { done: 0, undone: 0, stuck: 0 };
  readonly #states = new Map<string, RotationState>();

  /** Count how a rotation ended, or that it came to where somebody has to do something. */
  add(outcome: Outcome): void {
    this.#counts[outcome] += 1;
  }

  /** Say when a workspace's key was made. */
  made(workspace: string, createdAt: EpochMs): void {
    this.#states.set(workspace, { ...this.#of(workspace), createdAt });
  }

  /** Say which step a workspace's rotation waits in; undefined: none. */
  waits(workspace: string, step: string | undefined): void {
    this.#states.set(workspace, { ...this.#of(workspace), step });
  }

  /** Since the start. */
  counts(): readonly RotationCount[] {
    return (["done", "undone", "stuck"] as const).map((outcome) => ({ outcome, count: this.#counts[outcome] }));
  }

  states(): readonly RotationState[] {
    return [...this.#states.values()];
  }

  #of(workspace: string): RotationState {
    return this.#states.get(workspace) ?? { workspace, createdAt: undefined, step: undefined };
  }
}
