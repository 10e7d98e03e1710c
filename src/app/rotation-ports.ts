import type { Away } from "./ports.js";

/**
 * Remembers how far each workspace's rotation has come, over crashes, and lets one process at a time go on with it.
 *
 * What is remembered is text of this program's own: an adapter keeps it whole, or says that it could not.
 */
export interface RotationJournal {
  /** Where, for a person. */
  readonly place: string;

  /** Hold a workspace's rotation, so that nobody else does. */
  hold(workspace: string): Promise<Holding | Away>;

  /** Read a workspace's text without holding it, to look only. */
  look(workspace: string): Promise<JournalRead | Away>;
}

export type Holding =
  | { readonly kind: "held"; readonly hold: RotationHold }
  /** @see by who has it, where it told. */
  | { readonly kind: "taken"; readonly by: string | undefined };

export type JournalRead = { readonly kind: "text"; readonly text: string } | { readonly kind: "none" };

/** A rotation that is this process's to go on with, until it is released, or is found to be another's. */
export interface RotationHold {
  read(): Promise<JournalRead | Away>;

  /**
   * Put a text in the place of the one before, all of it or nothing, and hold on.
   *
   * @returns `lost` where another process has held it since: then nothing was written, and nothing more is to be done.
   */
  write(text: string): Promise<{ readonly kind: "written" } | { readonly kind: "lost" } | Away>;

  /** Hold on, before something is done that takes its time. */
  keep(): Promise<{ readonly kind: "kept" } | { readonly kind: "lost" } | Away>;

  release(): Promise<void>;
}
