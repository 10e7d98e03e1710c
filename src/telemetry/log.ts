import { printable } from "../domain/printable.js";

/** Lines for the operator, on stderr. */
export interface Log {
  info(line: string): void;
  warn(line: string): void;
  error(line: string, cause?: unknown): void;
}

export interface LogOptions {
  /** One JSON object a line, or words for a terminal, which finds nothing in them to act on. */
  readonly format: "json" | "text";
  /** The least that is written. */
  readonly level: keyof typeof RANK;
  readonly write: (line: string) => void;
  readonly now: () => Date;
}

const RANK = { debug: 0, info: 1, warn: 2, error: 3 } as const;

/** Make a log. A cause is written with its stack: it is for the operator, never for a caller. */
export function createLog({ format, level, write, now }: LogOptions): Log {
  const put = (at: keyof typeof RANK, message: string, cause?: unknown) => {
    if (RANK[at] < RANK[level]) return;
    const time = now().toISOString();
    const why = cause === undefined ? undefined : explain(cause);
    if (format === "json") write(`${JSON.stringify({ time, level: at, message, cause: why })}\n`);
    else write(`${time} ${at.padEnd(5)} ${printable(message)}${why === undefined ? "" : `\n${why}`}\n`);
  };
  return {
    info: (line) => put("info", line),
    warn: (line) => put("warn", line),
    error: (line, cause) => put("error", line, cause),
  };
}

function explain(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const own = cause.stack ?? cause.message;
  return cause.cause === undefined ? own : `${own}\ncaused by: ${explain(cause.cause)}`;
}
