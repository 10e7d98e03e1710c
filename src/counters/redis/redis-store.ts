import type {
  Account,
  Away,
  Charge,
  ChargeResult,
  CounterPage,
  CounterStore,
  DayPage,
  FollowedCalls,
  Page,
  Reading,
  Release,
  ReleaseResult,
  ReservationPage,
  Reserve,
  ReserveResult,
  Settle,
  SettleResult,
  TotalPage,
} from "../../app/ports.js";
import type { Caller } from "../../domain/caller.js";
import type { EpochMs, Millis } from "../../domain/units.js";
import type { Calendar } from "../../domain/window.js";
import type { Random24 } from "../memory/ids.js";
import { askCharge } from "./ask-charge.js";
import { askDay } from "./ask-day.js";
import { askRelease } from "./ask-release.js";
import { askReserve, type ReserveMeans } from "./ask-reserve.js";
import { askSettle } from "./ask-settle.js";
import { FloodGate } from "./flood-gate.js";
import { Gather } from "./gather.js";
import { Keys } from "./keys.js";
import { describeOpen, roleCounterKeys } from "./listed.js";
import { readingsOf } from "./readings.js";
import { RedisAccount } from "./redis-account.js";
import { RefusalMemory } from "./refusal-memory.js";
import { type Asking, cellsIn, timeIn } from "./replies.js";
import type { ScriptServer } from "./script-server.js";
import type { Script, Scripts } from "./scripts.js";

export interface RedisStoreOptions {
  readonly server: ScriptServer;
  readonly scripts: Scripts;
  readonly random: Random24;
  /** Whose policy is in force: the keys of a reservation that is named by an id alone. */
  readonly organization: () => string;
  /** How long a call may take. */
  readonly timeoutMs: Millis;
  /** What scripts take for the time; the server's own when left out. */
  readonly time?: () => EpochMs;
  /** At most so many calls share a script call; 1: each is sent alone. */
  readonly mostGathered?: number;
  /** How long a refusal may be answered without the servers; 0: never. */
  readonly refusalsKeptMs?: Millis;
  /** Left out where no call is followed. */
  readonly followed?: FollowedCalls | undefined;
}

/** How many questions of one kind share a script call at the most: beyond it nothing is gained. */
const MOST_GATHERED = 16;
const CURSOR = /^\d{0,20}$/;
const REFUSALS_KEPT_MS: Millis = 1_000;

/**
 * The counter store that several replicas share: Redis 7 or Valkey 8, alone, behind Sentinel, or as a Cluster.
 *
 * Each method is one script, and so one atomic step and one round trip. The server's clock is the clock of counters.
 */
export class RedisStore implements CounterStore {
  readonly #options: RedisStoreOptions;
  readonly #asking: Asking;
  readonly #refusals: RefusalMemory;
  readonly #gate: FloodGate;
  readonly #reserving: ReserveMeans;
  #keys: { readonly organization: string; readonly keys: Keys } | undefined;

  constructor(options: RedisStoreOptions) {
    this.#options = options;
    const { scripts, server, random, timeoutMs, refusalsKeptMs = REFUSALS_KEPT_MS } = options;
    this.#refusals = new RefusalMemory(refusalsKeptMs);
    this.#gate = new FloodGate(timeoutMs);
    this.#asking = {
      reserve: this.#gather(scripts.reserve),
      settle: this.#gather(scripts.settle),
      release: this.#gather(scripts.release),
      charge: this.#gather(scripts.charge),
      read: this.#gather(scripts.read),
    };
    this.#reserving = { asking: this.#asking, server, random, refusals: this.#refusals, gate: this.#gate };
  }

  /** How many calls were refused by what was remembered, without the servers. */
  get refusedHere(): number {
    return this.#refusals.answered;
  }

  /** How many calls were refused by the store's answer to another call of their caller. */
  get refusalsShared(): number {
    return this.#gate.answered;
  }

  open(caller: Caller): Account {
    return new RedisAccount(caller);
  }

  async reserve(reserve: Reserve): Promise<ReserveResult> {
    const { server } = this.#options;
    const account = own(reserve.account);
    const known = server.away() ?? this.#refusals.refuse(reserve, account);
    if (known) return known;
    if (!this.#gate.holds(account)) return askReserve(this.#reserving, reserve, account);
    return this.#gate.wait(reserve, account, async (turn) => {
      return server.away() ?? askReserve(this.#reserving, reserve, account, turn);
    });
  }

  async settle(settle: Settle): Promise<SettleResult> {
    return this.#options.server.away() ?? askSettle(this.#asking.settle, this.#keysNow(), settle);
  }

  async charge(charge: Charge): Promise<ChargeResult> {
    return this.#options.server.away() ?? askCharge(this.#asking.charge, charge, own(charge.account));
  }

  async release({ reservationId, forget }: Release): Promise<ReleaseResult> {
    const released = await this.#release(reservationId, forget);
    if (forget && released.kind === "away") this.#options.server.inDoubt(reservationId);
    return released;
  }

  /** Give back a reservation whose caller was told that the store is away, and its request_id with it. */
  forget(reservationId: string): Promise<ReleaseResult> {
    return this.#release(reservationId, true);
  }

  async read(account: Account, calendar: Calendar): Promise<readonly Reading[] | Away> {
    const away = this.#options.server.away();
    if (away) return away;
    const of = own(account);
    const answer = await this.#asking.read.ask(of.keys.shared, {
      keys: [of.ownKey],
      args: [Buffer.from([of.sharedCount, of.ownCount]), ...of.fields],
    });
    if (answer.kind === "away") return answer;
    return readingsOf(of, { values: cellsIn(answer.reply), now: timeIn(answer.head) }, calendar, undefined);
  }

  async counters({ after, limit }: Page): Promise<CounterPage | Away> {
    const keys = this.#keysNow();
    const part = await this.#list(after, keys.owns, limit, "hashes");
    if ("kind" in part) return part;
    const found = part.entries.flatMap(({ key, value }) => roleCounterKeys(keys.principalOf(key), value));
    return { keys: found, next: part.next };
  }

  async reservations({ after, limit }: Page): Promise<ReservationPage | Away> {
    const keys = this.#keysNow();
    const part = await this.#list(after, keys.records, limit, "records");
    if ("kind" in part) return part;
    const reservations = part.entries.flatMap(({ key, value }) => {
      const open = Buffer.isBuffer(value) ? describeOpen(keys, key, value, part.now) : undefined;
      return open ? [open] : [];
    });
    return { reservations, next: part.next };
  }

  async totals(page: DayPage): Promise<TotalPage | Away> {
    const { server, scripts } = this.#options;
    return server.away() ?? askDay({ server, scripts, keys: this.#keysNow(), first: this.#first() }, page);
  }

  async #release(reservationId: string, forget: boolean): Promise<ReleaseResult> {
    const { server } = this.#options;
    return server.away() ?? askRelease(this.#asking.release, this.#keysNow(), reservationId, forget);
  }

  #keysNow(): Keys {
    const organization = this.#options.organization();
    if (this.#keys?.organization !== organization) this.#keys = { organization, keys: new Keys(organization) };
    return this.#keys.keys;
  }

  #gather(script: Script): Gather {
    const { server, timeoutMs, mostGathered = MOST_GATHERED, followed } = this.#options;
    return new Gather({
      send: async (keys, args) => {
        const reply = await server.run(script, keys, args);
        if (Buffer.isBuffer(reply[0])) server.heard(reply[0]);
        return reply;
      },
      timeoutMs,
      most: mostGathered,
      first: () => this.#first(),
      told: server.told,
      followed,
    });
  }

  /** The time, where it is not the server's, and two bytes that make an epoch unlike another of the same moment. */
  #first(): Buffer {
    const first = Buffer.alloc(10);
    first.writeDoubleLE(this.#options.time?.() ?? 0, 0);
    first.writeUInt16LE(this.#options.random() & 0xffff, 8);
    return first;
  }

  async #list(after: string, pattern: string, limit: number, what: "records" | "hashes"): Promise<ListedPart | Away> {
    const { server, scripts } = this.#options;
    const away = server.away();
    if (away) return away;
    // A place that no page named: nothing comes after it.
    if (!CURSOR.test(after)) return { now: 0, entries: [], next: undefined };
    try {
      const args = [this.#first(), after || "0", pattern, String(limit), what];
      const [head, cursor, ...pairs] = await server.run(scripts.list, [this.#keysNow().shared], args);
      if (!Buffer.isBuffer(head)) throw new TypeError("a reply of another form");
      const next = String(cursor);
      const entries = [];
      for (let at = 0; at < pairs.length; at += 2) entries.push({ key: String(pairs[at]), value: pairs[at + 1] });
      return { now: timeIn(head), entries, next: next === "0" ? undefined : next };
    } catch (cause) {
      if (cause instanceof Error) return { kind: "away", cause };
      throw cause;
    }
  }
}

interface ListedPart {
  readonly now: EpochMs;
  readonly entries: readonly { readonly key: string; readonly value: unknown }[];
  readonly next: string | undefined;
}

function own(account: Account): RedisAccount {
  if (account instanceof RedisAccount) return account;
  throw new TypeError("an account is good for the store that opened it only");
}
