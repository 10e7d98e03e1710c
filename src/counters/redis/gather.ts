import { ReplyError } from "ioredis";
import type { Away, FollowedCalls } from "../../app/ports.js";
import type { Millis } from "../../domain/units.js";
import { wasNotDone } from "./client.js";

/** One of the questions that share a script call. */
export interface Question {
  readonly keys: readonly string[];
  readonly args: readonly (string | Buffer)[];
  /** How long its asker has waited already: so much shorter it waits here. */
  readonly waitedMs?: Millis | undefined;
  /** Told what the answer was, where it came after its asker had been told that the store is away. */
  readonly late?: (answer: Answered) => void;
  /** Told that the call failed and that nobody knows whether it was carried out. */
  readonly lost?: () => void;
}

/** What the store said to a question. */
export interface Answered {
  readonly kind: "answered";
  /** What stands first in the reply to the whole call: the store's time, and more. */
  readonly head: Buffer;
  readonly reply: unknown;
}

/** Sends one script call: keys and arguments of all questions, each with a first one that they share. */
export type Send = (keys: readonly string[], args: readonly (string | Buffer)[]) => Promise<readonly unknown[]>;

interface Waiting extends Question {
  readonly answer: (answer: Answered | Away) => void;
}

export interface GatherOptions {
  readonly send: Send;
  /** How long an asker waits. */
  readonly timeoutMs: Millis;
  /** At most so many questions share a call: beyond it each costs the store as much as before. */
  readonly most: number;
  /** The first argument of a call. */
  readonly first: () => Buffer;
  /** Told how each call went, and only then are its askers. */
  readonly told: (outcome: "answered" | "late" | { readonly failed: unknown }) => void;
  /** Left out where no call is followed. */
  readonly followed?: FollowedCalls | undefined;
}

/**
 * Let questions that come in one turn of the event loop share a script call.
 *
 * A call costs this process far more than a question does, so under load it answers many for the price of one. While
 * questions come one at a time, each is sent at once: a turn of the loop is a tenth of what it waits.
 */
export class Gather {
  readonly #options: GatherOptions;
  #shared = "";
  #waiting: Waiting[] = [];
  /** Those of the calls that wait which are followed. */
  #followed: object[] = [];
  #inFlight = 0;
  /** How many questions the last call carried. */
  #lastCarried = 0;

  constructor(options: GatherOptions) {
    this.#options = options;
  }

  /** Ask about one organization, by the key that all its questions share. */
  ask(shared: string, question: Question): Promise<Answered | Away> {
    if (this.#waiting.length > 0 && this.#shared !== shared) this.#flush();
    this.#shared = shared;
    const call = this.#options.followed?.current();
    if (call) this.#followed.push(call);
    return new Promise((answer) => {
      const { most, timeoutMs } = this.#options;
      const waiting = { ...question, answer };
      this.#waiting.push(question.waitedMs === undefined ? waiting : hurried(waiting, timeoutMs));
      const isLone = this.#inFlight === 0 && this.#lastCarried === 1;
      if (isLone || this.#waiting.length >= most) this.#flush();
      else if (this.#waiting.length === 1) setImmediate(() => this.#flush());
    });
  }

  #flush(): void {
    const asked = this.#waiting;
    if (asked.length === 0) return;
    this.#waiting = [];
    this.#inFlight++;
    this.#lastCarried = asked.length;
    const { timeoutMs, first, told } = this.#options;
    const keys = [this.#shared];
    const args: (string | Buffer)[] = [first()];
    for (const question of asked) {
      keys.push(...question.keys);
      args.push(...question.args);
    }

    let isLate = false;
    let isDone = false;
    const late = () => {
      if (isDone) return;
      isLate = true;
      told("late");
      const away = lateAfter(timeoutMs);
      for (const { answer } of asked) answer(away);
    };
    // In a later phase of the loop: after a stall of this process, an answer that has come meanwhile is read first.
    const timer = setTimeout(() => setImmediate(late), timeoutMs);
    this.#send(keys, args).then(
      (replies) => {
        clearTimeout(timer);
        this.#inFlight--;
        isDone = true;
        if (!isLate) told("answered");
        tell(asked, replies, { isLate, told });
      },
      (failed: unknown) => {
        clearTimeout(timer);
        this.#inFlight--;
        isDone = true;
        if (!isLate) told({ failed });
        for (const { answer, lost } of asked) {
          if (!isLate) answer({ kind: "away", cause: failed });
          if (!wasNotDone(failed)) lost?.();
        }
      },
    );
  }

  #send(keys: readonly string[], args: readonly (string | Buffer)[]): Promise<readonly unknown[]> {
    const { send, followed } = this.#options;
    const calls = this.#followed;
    if (!followed || calls.length === 0) return send(keys, args);
    this.#followed = [];
    return followed.sendFor(calls, () => send(keys, args));
  }
}

function lateAfter(timeoutMs: Millis): Away {
  return { kind: "away", cause: new Error(`no answer within ${timeoutMs} ms`) };
}

/** A question whose asker, having waited before, gives up before the others of its call do. */
function hurried(question: Waiting, timeoutMs: Millis): Waiting {
  const { answer, late, waitedMs = 0 } = question;
  let isDone = false;
  let isLate = false;
  const giveUp = () => {
    if (isDone) return;
    isLate = true;
    answer(lateAfter(timeoutMs));
  };
  const timer = setTimeout(() => setImmediate(giveUp), timeoutMs - waitedMs);
  return {
    ...question,
    answer: (said) => {
      clearTimeout(timer);
      isDone = true;
      if (!isLate) answer(said);
      else if (said.kind === "answered") late?.(said);
    },
  };
}

function tell(
  asked: readonly Waiting[],
  [head, ...replies]: readonly unknown[],
  { isLate, told }: Pick<GatherOptions, "told"> & { readonly isLate: boolean },
): void {
  for (const [nth, { answer, late, lost }] of asked.entries()) {
    const reply = replies[nth];
    const wrong = faultIn(head, reply);
    if (wrong) told({ failed: wrong });
    if (wrong && !wasNotDone(wrong)) lost?.();
    if (isLate && !wrong && Buffer.isBuffer(head)) late?.({ kind: "answered", head, reply });
    if (isLate) continue;
    if (wrong || !Buffer.isBuffer(head)) answer({ kind: "away", cause: wrong });
    else answer({ kind: "answered", head, reply });
  }
}

/** Why one question of a call was not answered, where it was not. */
function faultIn(head: unknown, reply: unknown): Error | undefined {
  if (!Buffer.isBuffer(head) || reply === undefined) return new TypeError("a reply of another form");
  const isFault = Array.isArray(reply) && Buffer.isBuffer(reply[0]) && reply[0].toString("latin1") === "E";
  return isFault ? new ReplyError(String(reply[1])) : undefined;
}
