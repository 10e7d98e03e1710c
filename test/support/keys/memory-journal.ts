import type { Holding, JournalRead, RotationHold, RotationJournal } from "../../../src/app/rotation-ports.js";

/** A journal in memory, that outlives those who write it. */
export class MemoryJournal implements RotationJournal {
  readonly place = "the journal";
  readonly texts = new Map<string, string>();
  /** All that was ever written. */
  readonly written: string[] = [];
  readonly #holders = new Map<string, RotationHold>();

  async hold(workspace: string): Promise<Holding> {
    if (this.#holders.has(workspace)) return { kind: "taken", by: "4711" };
    const isOurs = () => this.#holders.get(workspace) === hold;
    const hold: RotationHold = {
      read: () => this.look(workspace),
      write: async (text) => {
        if (!isOurs()) return { kind: "lost" };
        this.texts.set(workspace, text);
        this.written.push(text);
        return { kind: "written" };
      },
      keep: async () => ({ kind: isOurs() ? "kept" : "lost" }),
      release: async () => {
        if (isOurs()) this.#holders.delete(workspace);
      },
    };
    this.#holders.set(workspace, hold);
    return { kind: "held", hold };
  }

  async look(workspace: string): Promise<JournalRead> {
    const text = this.texts.get(workspace);
    return text === undefined ? { kind: "none" } : { kind: "text", text };
  }

  /** Whoever held it is dead, or was too long in coming back. */
  letGo(): void {
    this.#holders.clear();
  }
}
