/** A reader of bytes or text from outside, and what must hold of it whatever comes. */
export interface Target {
  /** Names the folder of its inputs too. */
  readonly name: string;
  /** What must hold, for a person. */
  readonly law: string;
  /** What its inputs are made of. */
  readonly words: readonly string[];
  /** Longest input that is tried; 4 KiB when left out. */
  readonly mostBytes?: number;
  /** Reads one input. Throws, or rejects, where the law does not hold. */
  readonly run: (input: Buffer) => void | Promise<void>;
}

/** One input in this time, by the processor's clock, or it counts as a hang. None that is tried needs a hundredth. */
const MOST_CPU_MS = 2_000;

/** Try one input. @throws Error where the law is broken, or reading takes too long. */
export async function tryInput(target: Target, input: Buffer, mostCpuMs = MOST_CPU_MS): Promise<void> {
  const begun = performance.now();
  const before = process.cpuUsage();
  const done = target.run(input);
  if (done) await done;
  if (performance.now() - begun < mostCpuMs) return;
  const { user, system } = process.cpuUsage(before);
  const ms = Math.round((user + system) / 1000);
  if (ms >= mostCpuMs) throw new Error(`${input.length} bytes took ${ms} ms of processor time`);
}
