import type { Amounts } from "../../domain/charges.js";
import type { AccessRequest } from "../../domain/evaluate.js";
import type { EpochMs } from "../../domain/units.js";
import type { Ending } from "./counter-records.js";
import { type Random24, readId, requestIdIn, writeReservationId } from "./ids.js";
import { append, emptyList, join, type LinkedList, unlink } from "./linked-list.js";
import type { Terms } from "./memory-account.js";
import { LINKS, ReservationRecords } from "./reservation-records.js";
import { StringIndex } from "./string-index.js";

/** All reservations that are open or remembered, by slot. */
export class Reservations extends ReservationRecords {
  /** The request_ids that callers chose, by slot and back. */
  readonly #requestKeys: (string | undefined)[] = [];
  readonly #byRequest = new StringIndex();
  readonly #shadowDenials = new Map<number, readonly string[]>();
  readonly #random: Random24;
  /** Open ones, by when they end; the ends in order. */
  readonly #open = new Map<EpochMs, LinkedList>();
  #ends: EpochMs[] = [];
  /** Closed ones, in the order in which they closed. */
  readonly #closed = emptyList();
  #expired = 0;

  constructor(random: Random24) {
    super();
    this.#random = random;
  }

  get openCount(): number {
    let count = 0;
    for (const list of this.#open.values()) count += list.length;
    return count;
  }

  get rememberedCount(): number {
    return this.slab.size;
  }

  /** How many have expired unsettled since the start. */
  get expiredCount(): number {
    return this.#expired;
  }

  /** @param requestKey names the request_id that the caller chose; undefined where it left that to the server. */
  add(
    terms: Terms,
    request: AccessRequest,
    worst: Amounts,
    ending: Ending,
    now: EpochMs,
    requestKey: string | undefined,
  ): number {
    const slot = this.write(terms, request, worst, ending, now, this.#random);
    this.#requestKeys[slot] = requestKey;
    if (requestKey !== undefined) this.#byRequest.set(requestKey, slot);
    append(this.slab, LINKS, this.#openList(ending.ends), slot);
    return slot;
  }

  /** The request_id that its caller chose; undefined where it is the server's. */
  chosenRequestId(slot: number): string | undefined {
    const key = this.#requestKeys[slot];
    return key?.slice(key.lastIndexOf(" ") + 1);
  }

  /**
   * Put a reservation back as it was copied, in place of what its slot holds. `settleDown` comes after the last one.
   *
   * @param now when it was copied; what had ended by then is closed.
   */
  restore(slot: number, terms: Terms, copy: Buffer, requestId: string | undefined, now: EpochMs): void {
    if (this.holds(slot)) this.#remove(slot, now);
    this.writeCopy(slot, terms, copy);
    const { principal, standing } = terms.account.caller;
    const scope = { workspace: standing.workspace.name, principal };
    const key = requestId === undefined ? undefined : requestKey(scope, requestId);
    this.#requestKeys[slot] = key;
    if (key !== undefined) this.#byRequest.set(key, slot);
    const list = this.isOpen(slot, now) ? this.#openList(this.ending(slot).ends) : this.#closed;
    append(this.slab, LINKS, list, slot);
  }

  /** Find the free slots anew, and bring what is closed into the order in which it closed. */
  settleDown(): void {
    this.slab.relist((slot) => this.holds(slot));
    const closed: number[] = [];
    for (let slot = this.#closed.first; slot !== 0; slot = this.#closed.first) {
      unlink(this.slab, LINKS, this.#closed, slot);
      closed.push(slot);
    }
    closed.sort((left, right) => this.ending(left).ends - this.ending(right).ends);
    for (const slot of closed) append(this.slab, LINKS, this.#closed, slot);
    this.#expired = 0;
  }

  /** Find by the reservation_id; 0 where none is remembered. */
  findById(reservationId: string, now: EpochMs): number {
    const id = readId(reservationId);
    return id && id.words.length === 5 && this.#is(id.slot, id.words, now) ? id.slot : 0;
  }

  /** Find by the request_id in its scope; 0 where none is remembered. */
  findByRequest({ scope, requestId, key }: RequestName, now: EpochMs): number {
    const slot = this.#byRequest.get(key);
    if (slot !== 0) return this.isRemembered(slot, now) ? slot : 0;

    const own = readId(requestId);
    if (own?.words.length !== 2 || !this.#is(own.slot, own.words, now)) return 0;
    if (this.#requestKeys[own.slot] !== undefined) return 0;
    const { caller } = this.terms(own.slot).account;
    const isOwn = caller.principal === scope.principal && caller.standing.workspace.name === scope.workspace;
    return isOwn ? own.slot : 0;
  }

  shadowDenials(slot: number): readonly string[] {
    return this.#shadowDenials.get(slot) ?? [];
  }

  setShadowDenials(slot: number, names: readonly string[]): void {
    if (names.length > 0) this.#shadowDenials.set(slot, names);
  }

  /** Both ids, as they were answered. */
  ids(slot: number): { readonly requestId: string; readonly reservationId: string } {
    const reservationId = writeReservationId(
      slot,
      this.word(slot, 0),
      this.word(slot, 1),
      this.word(slot, 2),
      this.word(slot, 3),
      this.word(slot, 4),
    );
    return { requestId: this.chosenRequestId(slot) ?? requestIdIn(reservationId), reservationId };
  }

  /** Close an open or expired reservation with what it cost. */
  settle(slot: number, cost: number, now: EpochMs): void {
    const open = this.isOpen(slot, now);
    if (open) this.#close(slot, now);
    this.setSettled(slot, cost, !open);
  }

  /** Close an open reservation that its operator gave back. */
  release(slot: number, now: EpochMs): void {
    this.#close(slot, now);
    this.setReleased(slot);
  }

  /** Forget an open reservation as if it had never been. */
  forget(slot: number): void {
    unlink(this.slab, LINKS, this.#openList(this.ending(slot).ends), slot);
    this.#drop(slot);
  }

  /** Close what has expired. Every other method takes this to have been done. */
  advance(now: EpochMs): void {
    for (let end = this.#ends[0]; end !== undefined && end <= now; end = this.#ends[0]) {
      const list = this.#openList(end);
      this.#ends.shift();
      this.#open.delete(end);
      this.#expired += list.length;
      join(this.slab, LINKS, this.#closed, list);
    }
  }

  /** Drop at most `count` of those that are no longer remembered. */
  collect(count: number, now: EpochMs): void {
    for (let left = count; left > 0; left--) {
      const slot = this.#closed.first;
      if (slot === 0 || this.isRemembered(slot, now)) return;
      unlink(this.slab, LINKS, this.#closed, slot);
      this.#drop(slot);
    }
  }

  /** The slots of open reservations after the one of an id, in order; empty: all. */
  *openAfter(reservationId: string, now: EpochMs): Iterable<number> {
    for (let at = (readId(reservationId)?.slot ?? 0) + 1; at <= this.slab.high; at++) {
      if (this.holds(at) && this.isOpen(at, now)) yield at;
    }
  }

  #close(slot: number, now: EpochMs): void {
    unlink(this.slab, LINKS, this.#openList(this.ending(slot).ends), slot);
    this.setEnds(slot, now);
    append(this.slab, LINKS, this.#closed, slot);
  }

  #remove(slot: number, now: EpochMs): void {
    unlink(this.slab, LINKS, this.isOpen(slot, now) ? this.#openList(this.ending(slot).ends) : this.#closed, slot);
    this.#drop(slot);
  }

  #drop(slot: number): void {
    const key = this.#requestKeys[slot];
    // The caller may have used its request_id again since; then the name is the newer reservation's.
    if (key !== undefined && this.#byRequest.get(key) === slot) this.#byRequest.delete(key);
    this.#requestKeys[slot] = undefined;
    this.#shadowDenials.delete(slot);
    this.erase(slot);
  }

  #openList(ends: EpochMs): LinkedList {
    const known = this.#open.get(ends);
    if (known) return known;
    const list = emptyList();
    this.#open.set(ends, list);
    this.#ends.push(ends);
    this.#ends.sort((left, right) => left - right);
    return list;
  }

  #is(slot: number, words: readonly number[], now: EpochMs): boolean {
    if (!this.holds(slot) || !this.isRemembered(slot, now)) return false;
    return words.every((word, index) => this.word(slot, index) === word);
  }
}

/** Whose a request_id is. */
export interface RequestScope {
  readonly workspace: string;
  readonly principal: string;
}

/** A request_id in its scope, with the key that both make: joined once, since joining costs as much as looking up. */
export interface RequestName {
  readonly scope: RequestScope;
  readonly requestId: string;
  readonly key: string;
}

/** Name a request_id in its scope. */
export function requestNamed(scope: RequestScope, requestId: string): RequestName {
  return { scope, requestId, key: requestKey(scope, requestId) };
}

/** Neither part holds a space, so no two (workspace, principal, request_id) make one key. */
export function requestKey({ workspace, principal }: RequestScope, requestId: string): string {
  return `${workspace} ${principal} ${requestId}`;
}
