import { closeSync, ftruncateSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { PendingCall } from "../../app/pending-usage.js";
import { ENDPOINTS } from "../../domain/model.js";

const NAME = "pending-usage.jsonl";

const MODE = 0o600;

const amount = z.number().int().nonnegative();
const lineSchema = z.object({
  key: z.string(),
  pending: z
    .object({
      call: z.object({
        reservationId: z.string(),
        requestId: z.string(),
        principal: z.object({ id: z.string(), role: z.string(), workspace: z.string() }),
        model: z.string(),
        endpoint: z.enum(ENDPOINTS).optional(),
        usage: z
          .object({
            inputTokens: amount,
            cachedInputTokens: amount,
            outputTokens: amount,
            pages: amount,
            audioSeconds: amount,
            annotatedPages: z.boolean(),
          })
          .optional(),
        outcome: z.enum(["succeeded", "failed", "cancelled"]),
        labels: z.record(z.string(), z.string()),
        includeLimits: z.boolean(),
      }),
      name: z.object({ id: z.string(), role: z.string(), workspace: z.string(), isProved: z.literal(true).optional() }),
    })
    .optional(),
});

/** The file is written anew once it holds so many more lines than reports. */
const MOST_STALE = 10_000;

/**
 * The reports of usage that wait, in a file: a line for each that was kept, and one for each that was sent since.
 *
 * A line is in the kernel's hands before the caller is answered, so a crash of this process loses none.
 */
export class PendingFile {
  /** What the file held when it was opened, oldest first. */
  readonly restored: ReadonlyMap<string, PendingCall>;
  /** How many lines could not be read. */
  readonly unreadable: number;
  readonly #path: string;
  readonly #held = new Map<string, string>();
  #file: number;
  #lines: number;

  /** @throws Error of the file system where the directory cannot be written to. */
  constructor(directory: string) {
    this.#path = join(directory, NAME);
    this.#file = openSync(this.#path, "a+", MODE);
    const { waiting, unreadable, lines } = readLines(readFileSync(this.#path, "utf8"));
    this.restored = waiting;
    this.unreadable = unreadable;
    this.#lines = lines;
    for (const [key, pending] of waiting) this.#held.set(key, lineOf(key, pending));
  }

  keep(key: string, pending: PendingCall): void {
    const line = lineOf(key, pending);
    this.#held.set(key, line);
    this.#write(line);
  }

  drop(key: string): void {
    this.#held.delete(key);
    if (this.#held.size === 0) this.#empty();
    else this.#write(`\n${JSON.stringify({ key })}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }

  #write(line: string): void {
    writeSync(this.#file, line);
    this.#lines++;
    if (this.#lines > this.#held.size + MOST_STALE) this.#writeAnew();
  }

  #empty(): void {
    ftruncateSync(this.#file, 0);
    this.#lines = 0;
  }

  /** Beside the old one and then in its place: a crash in between loses nothing. */
  #writeAnew(): void {
    const next = `${this.#path}.next`;
    writeFileSync(next, [...this.#held.values()].join(""), { mode: MODE });
    renameSync(next, this.#path);
    closeSync(this.#file);
    this.#file = openSync(this.#path, "a+", MODE);
    this.#lines = this.#held.size;
  }
}

/** With a line end before it, as one that drops has too: the first line after a torn one must not become part of it. */
function lineOf(key: string, pending: PendingCall): string {
  return `\n${JSON.stringify({ key, pending })}\n`;
}

interface Lines {
  readonly waiting: Map<string, PendingCall>;
  readonly unreadable: number;
  readonly lines: number;
}

function readLines(text: string): Lines {
  const waiting = new Map<string, PendingCall>();
  let unreadable = 0;
  let lines = 0;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    lines++;
    const read = readLine(line);
    if (!read) unreadable++;
    else if (read.pending) waiting.set(read.key, read.pending);
    else waiting.delete(read.key);
  }
  return { waiting, unreadable, lines };
}

function readLine(line: string): { readonly key: string; readonly pending: PendingCall | undefined } | undefined {
  try {
    const { data } = lineSchema.safeParse(JSON.parse(line));
    if (!data) return undefined;
    const { key, pending } = data;
    if (!pending) return { key, pending };
    const { call } = pending;
    const { isProved, ...said } = pending.name;
    const name = isProved ? { ...said, isProved } : said;
    return { key, pending: { call: { ...call, endpoint: call.endpoint, usage: call.usage }, name } };
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}
