import { type LogLine, readLine } from "../../telemetry/decisions/read-line.js";
import { EXIT, type Failure, failure } from "../context.js";
import { type LogFile, linesIn, unreadableLog } from "./log-file.js";
import { TimeOrder } from "./time-order.js";

/** A line that was passed over. */
export interface SkippedLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly why: string;
}

/** What came of reading, beside the lines. */
export interface ReadFacts {
  skipped: number;
  /** A few of them. */
  readonly firstSkipped: SkippedLine[];
  /** Lines that were later than all that are held back to put them in order. */
  late: number;
}

const MOST_NAMED = 5;
/** Some seconds of a busy service, and about ten megabytes. */
export const MOST_HELD = 8_192;

/**
 * Read logs together, in the order of their time: those of replicas, and those that were set aside, in whatever order they
 * were named. Each is read as a stream, a few thousand lines ahead at the most.
 *
 * @param facts told as they come.
 * @returns lines by the batch; a failure, which is the last of it, where a log cannot be read on.
 */
export async function* readLogs(
  files: readonly LogFile[],
  facts: ReadFacts,
  mostHeld = MOST_HELD,
): AsyncGenerator<readonly LogLine[] | Failure> {
  const order = new TimeOrder<LogLine>(mostHeld);
  const open = files.map((file) => new OpenLog(file, facts));
  let ready: LogLine[] = [];
  try {
    for (;;) {
      for (const log of open) {
        if (!log.isDry) continue;
        if (ready.length > 0) yield ready;
        ready = [];
        const failed = await log.fill();
        if (failed) return yield failed;
      }
      const line = earliest(open)?.take();
      if (!line) break;
      const next = order.add(line);
      if (next) ready.push(next);
    }
  } finally {
    // Those that were not read to their end.
    for (const log of open) await log.close();
  }
  for (let line = order.next(); line; line = order.next()) ready.push(line);
  facts.late = order.late;
  yield ready;
}

function earliest(logs: readonly OpenLog[]): OpenLog | undefined {
  let first: OpenLog | undefined;
  for (const log of logs) {
    if (log.head && (!first?.head || log.head.at < first.head.at)) first = log;
  }
  return first;
}

/** One log, a batch of its lines at a time. */
class OpenLog {
  readonly #batches: AsyncGenerator<readonly LogLine[] | Failure>;
  #lines: readonly LogLine[] = [];
  #next = 0;
  #isOver = false;

  constructor(file: LogFile, facts: ReadFacts) {
    this.#batches = batchesOf(file, facts);
  }

  /** The next line; undefined where there is none, or none yet. */
  get head(): LogLine | undefined {
    return this.#lines[this.#next];
  }

  /** Whether more must be read before its next line is known. */
  get isDry(): boolean {
    return !this.head && !this.#isOver;
  }

  take(): LogLine | undefined {
    return this.#lines[this.#next++];
  }

  async close(): Promise<void> {
    await this.#batches.return(undefined);
  }

  /** Read on until there is a line, or no more of them. */
  async fill(): Promise<Failure | undefined> {
    while (this.isDry) {
      const batch = await this.#batches.next();
      this.#next = 0;
      if (batch.done === true) {
        this.#isOver = true;
        this.#lines = [];
      } else if ("kind" in batch.value) {
        return batch.value;
      } else {
        this.#lines = batch.value;
      }
    }
    return undefined;
  }
}

async function* batchesOf(file: LogFile, facts: ReadFacts): AsyncGenerator<readonly LogLine[] | Failure> {
  let number = 0;
  try {
    for await (const texts of linesIn(file.bytes)) {
      const lines: LogLine[] = [];
      for (const text of texts) {
        number++;
        const read = text === undefined ? TOO_LONG : text.trim() === "" ? BLANK : readLine(text);
        if (read.kind === "another_version") return yield anotherVersion(file, number, read.version);
        if (read.kind === "unreadable") skip(facts, { file: file.name, line: number, why: read.why });
        else if (read.kind !== "unknown_kind") lines.push(read);
      }
      yield lines;
    }
  } catch (error) {
    const failed = unreadableLog(file.name, error);
    if (!failed) throw error;
    yield failed;
  }
}

const TOO_LONG = { kind: "unreadable", why: "it is longer than any line of a decision log" } as const;
const BLANK = { kind: "unknown_kind" } as const;

function skip(facts: ReadFacts, line: SkippedLine): void {
  facts.skipped++;
  if (facts.firstSkipped.length < MOST_NAMED) facts.firstSkipped.push(line);
}

function anotherVersion({ name }: LogFile, line: number, version: number): Failure {
  const what = `a line of version ${version} of the decision log, and this windbreak reads version 1`;
  return failure(EXIT.usage, `--log ${name}: line ${line}: ${what}; replay it with the release that wrote it`);
}
