import type { Reserve, ReserveResult } from "../../app/ports.js";
import type { Millis } from "../../domain/units.js";
import type { Cells } from "./readings.js";
import type { RedisAccount } from "./redis-account.js";
import { isNamed, refusalBy } from "./refusal.js";

/** Of the store's timeout, how long a call may be held: the rest is for its own question. */
const HELD_PART = 1 / 4;
/** How many more questions an admission lets out: as many as a round trip then needs to go from 1 to 4, to 16, to 64. */
const MORE_BY_ADMISSION = 3;
/** So many are told in one turn of the event loop, so that other callers do not wait behind them. */
const TOLD_AT_ONCE = 16;
/** How many request_ids a question is told of, each of which the store looks up. */
const MOST_NAMED = 64;

/** A call that waited, as it is let out. */
export interface Turn {
  readonly waitedMs: Millis;
  /** request_ids of calls that wait still. A refusal speaks for those only that the store does not remember. */
  readonly named: readonly string[];
}

/** For whom a refusal can speak. */
export interface Spoken {
  /** How many had waited when the question was asked. */
  readonly comers: number;
  /** request_ids that were not remembered when it was refused. */
  readonly isNew: ReadonlySet<string>;
}

type Result = ReserveResult;
type Ask = (turn: Turn) => Promise<Result>;

interface Waiting {
  readonly reserve: Reserve;
  readonly ask: Ask;
  readonly answer: (result: Result | Promise<Result>) => void;
  /** Its number among all who came. */
  readonly nth: number;
  /** On the steady clock. */
  readonly since: number;
}

/** A caller that was refused last. */
interface Flood {
  /** In the order in which they came. */
  readonly waiting: Waiting[];
  /** How many questions were let out and are not answered. */
  asked: number;
  /** How many were admitted since the last refusal. */
  admitted: number;
  looking: NodeJS.Timeout | undefined;
}

/**
 * Let one question at a time speak for all calls of a caller that was just refused, so that a flood past a limit costs
 * the store about a question a round trip rather than one a refusal.
 *
 * A refusal holds every cell of its caller as it stood at one instant. Whoever came before that question was asked, and
 * waits still, is judged by these cells: the store would have said the same at that instant, which lies between its call
 * and its answer. So nothing is remembered, and no call is refused that its limits would have admitted. A call that
 * they would admit is let out, and each admission lets out more.
 */
export class FloodGate {
  readonly #heldMs: Millis;
  /** Lives as long as the policy's snapshot, to which accounts belong; cleared by an admission. */
  readonly #floods = new WeakMap<RedisAccount, Flood>();
  #comers = 0;
  #answered = 0;

  constructor(timeoutMs: Millis) {
    this.#heldMs = timeoutMs * HELD_PART;
  }

  /** How many calls were refused by the answer to another. */
  get answered(): number {
    return this.#answered;
  }

  /** How many have waited up to now: a question that is asked now can speak for all of them. */
  get comers(): number {
    return this.#comers;
  }

  /** Whether a caller's calls must come by `wait`. */
  holds(account: RedisAccount): boolean {
    return this.#floods.has(account);
  }

  /** Ask in turn, or get the answer that another's question brings. */
  wait(reserve: Reserve, account: RedisAccount, ask: Ask): Promise<Result> {
    const flood = this.#floods.get(account);
    if (!flood) return ask({ waitedMs: 0, named: [] });
    return new Promise((answer) => {
      this.#comers++;
      flood.waiting.push({ reserve, ask, answer, nth: this.#comers, since: performance.now() });
      this.#letOut(account, flood);
    });
  }

  /** Told what the store refused a caller by, before the one whom it refused is. */
  refused(account: RedisAccount, cells: Cells, { comers, isNew }: Spoken): void {
    const flood = this.#floods.get(account);
    if (!flood) {
      this.#floods.set(account, { waiting: [], asked: 0, admitted: 0, looking: undefined });
      return;
    }
    flood.admitted = 0;
    const [oldest] = flood.waiting;
    if (!oldest || oldest.nth > comers) return;
    const judge = judgeBy(cells, account);
    const told: (() => void)[] = [];
    const waiting = flood.waiting.splice(0);
    for (const one of waiting) {
      const isMeant = one.nth <= comers && (!isNamed(one.reserve) || isNew.has(one.reserve.requestId));
      const refusal = isMeant ? judge(one.reserve) : undefined;
      if (refusal) told.push(() => one.answer(refusal));
      else flood.waiting.push(one);
    }
    this.#answered += told.length;
    tellInTurns(told);
  }

  #letOut(account: RedisAccount, flood: Flood): void {
    while (flood.asked < 1 + MORE_BY_ADMISSION * flood.admitted) {
      const next = flood.waiting.shift();
      if (!next) return;
      this.#ask(account, flood, next, namedOf(flood.waiting));
    }
    if (flood.waiting.length > 0) flood.looking ??= setTimeout(() => this.#look(account, flood), this.#heldMs);
  }

  #ask(account: RedisAccount, flood: Flood, { ask, answer, since }: Waiting, named: readonly string[] = []): void {
    flood.asked++;
    // Longer it was only where this process stalled, and the store is not to blame for that.
    const waitedMs = Math.min(performance.now() - since, this.#heldMs);
    const asked = ask({ waitedMs, named });
    answer(asked);
    asked.then(
      ({ kind }) => this.#heard(account, flood, kind),
      () => this.#heard(account, flood, "away"),
    );
  }

  #heard(account: RedisAccount, flood: Flood, kind: Result["kind"]): void {
    flood.asked--;
    if (kind === "admitted" || kind === "would_admit") flood.admitted++;
    const isOver = flood.admitted > 0 && flood.waiting.length === 0;
    if (isOver || kind === "away") this.#open(account, flood);
    else this.#letOut(account, flood);
  }

  /** Hold nobody any more, until the caller is refused again. */
  #open(account: RedisAccount, flood: Flood): void {
    if (this.#floods.get(account) === flood) this.#floods.delete(account);
    for (const one of flood.waiting.splice(0)) this.#ask(account, flood, one);
  }

  /** Ask for those who were held for long enough: a store so slow is asked for each. */
  #look(account: RedisAccount, flood: Flood): void {
    flood.looking = undefined;
    const now = performance.now();
    const stay = flood.waiting.findIndex(({ since }) => since + this.#heldMs > now);
    for (const one of flood.waiting.splice(0, stay < 0 ? flood.waiting.length : stay)) this.#ask(account, flood, one);
    const [oldest] = flood.waiting;
    if (oldest) flood.looking = setTimeout(() => this.#look(account, flood), oldest.since + this.#heldMs - now);
  }
}

function namedOf(waiting: readonly Waiting[]): readonly string[] {
  const ids: string[] = [];
  for (const { reserve } of waiting) {
    if (isNamed(reserve)) ids.push(reserve.requestId);
    if (ids.length === MOST_NAMED) break;
  }
  return ids;
}

/** Calls of a flood are mostly alike: what was found for one holds for the next of the same amounts. */
function judgeBy(cells: Cells, account: RedisAccount): (reserve: Reserve) => Result | undefined {
  let last: { readonly reserve: Reserve; readonly refusal: Result | undefined } | undefined;
  return (reserve) => {
    if (!last || !isAlike(last.reserve, reserve)) last = { reserve, refusal: refusalBy(cells, reserve, account) };
    return last.refusal;
  };
}

function isAlike(one: Reserve, other: Reserve): boolean {
  return (
    one.worst.inputTokens === other.worst.inputTokens &&
    one.worst.outputTokens === other.worst.outputTokens &&
    one.worst.cost === other.worst.cost &&
    one.calendar === other.calendar &&
    one.shadowDenials.length === other.shadowDenials.length &&
    one.shadowDenials.every((name, nth) => name === other.shadowDenials[nth])
  );
}

function tellInTurns(told: (() => void)[]): void {
  for (const tell of told.splice(0, TOLD_AT_ONCE)) tell();
  if (told.length > 0) setImmediate(() => tellInTurns(told));
}
