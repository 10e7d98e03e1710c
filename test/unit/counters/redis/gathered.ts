import { vi } from "vitest";
import { type Answered, Gather, type GatherOptions, type Question } from "../../../../src/counters/redis/gather.js";

/** What stands first in each reply, and in each call. */
export const HEAD = Buffer.from("head");
export const FIRST = Buffer.from("first");

interface Call {
  readonly keys: readonly string[];
  readonly args: readonly (string | Buffer)[];
  readonly answer: (replies: readonly unknown[]) => void;
  readonly fail: (cause: unknown) => void;
}

/** A gather whose calls wait for the test to answer them. */
export function gatherOf(options: Partial<GatherOptions> = {}) {
  const calls: Call[] = [];
  const told: Parameters<GatherOptions["told"]>[0][] = [];
  const gather = new Gather({
    send: (keys, args) => new Promise((answer, fail) => calls.push({ keys, args, answer, fail })),
    timeoutMs: 50,
    most: 16,
    first: () => FIRST,
    told: (outcome) => told.push(outcome),
    ...options,
  });
  return { gather, calls, told, call: (nth = 0) => callIn(calls, nth) };
}

function callIn(calls: readonly Call[], nth: number): Call {
  const call = calls[nth];
  if (!call) throw new Error(`there were ${calls.length} calls only`);
  return call;
}

/** A question with a key and an argument of its name. */
export function question(name: string, words: Partial<Question> = {}): Question {
  return { keys: [`key-${name}`], args: [`arg-${name}`], ...words };
}

/** A question that notes what it was told after its asker. */
export function watched(name: string) {
  const late: Answered[] = [];
  const lost: string[] = [];
  const asks = question(name, { late: (one) => late.push(one), lost: () => lost.push(name) });
  return { late, lost, asks };
}

/** What an asker is told of a reply. */
export function answered(reply: unknown): Answered {
  return { kind: "answered", head: HEAD, reply };
}

/** Let the turn of the event loop end. */
export async function turn(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}
