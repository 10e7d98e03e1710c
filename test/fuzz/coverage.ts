import { type Profiler, Session } from "node:inspector";

/** Tells which inputs reach code of this project that none before them reached, by the engine's own counters. */
export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();
  #fresh = new Set<string>();

  constructor() {
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** How many blocks were reached. */
  get size(): number {
    return this.#seen.size;
  }

  /** Whether what ran since the last look reached blocks that nothing reached before. */
  grew(): boolean {
    for (const block of this.#reached()) {
      if (this.#seen.has(block)) continue;
      this.#seen.add(block);
      this.#fresh.add(block);
    }
    return this.#fresh.size > 0;
  }

  /** Take the blocks that the last looks found new. */
  takeNew(): Set<string> {
    const taken = this.#fresh;
    this.#fresh = new Set();
    return taken;
  }

  /** Whether what ran since the last look reached some of these blocks, which are then taken away. */
  hits(blocks: Set<string>): boolean {
    const before = blocks.size;
    for (const block of this.#reached()) blocks.delete(block);
    return blocks.size < before;
  }

  close(): void {
    this.#session.post("Profiler.stopPreciseCoverage");
    this.#session.disconnect();
  }

  #reached(): readonly string[] {
    const blocks: string[] = [];
    // Answered within the call: the session is of this thread.
    this.#session.post("Profiler.takePreciseCoverage", (error, taken) => {
      if (error) throw error;
      for (const { scriptId, functions } of taken.result.filter(isOurs)) {
        for (const { startOffset, endOffset, count } of functions.flatMap(({ ranges }) => ranges)) {
          if (count > 0) blocks.push(`${scriptId} ${startOffset} ${endOffset}`);
        }
      }
    });
    return blocks;
  }
}

function isOurs({ url }: Profiler.ScriptCoverage): boolean {
  return url.includes("/src/") && !url.includes("/node_modules/");
}
