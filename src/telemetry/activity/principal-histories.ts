import type { CallerName } from "../../app/ports.js";
import type { EpochMs, NanoUsd, Tokens } from "../../domain/units.js";

export interface HistoriesSize {
  /** How many principals; whom nothing was told of for longest is forgotten first, or nearly so. */
  readonly principals: number;
  /** How many events of each. */
  readonly events: number;
}

/** What happened to a principal. */
export interface PrincipalEvent {
  readonly at: EpochMs;
  /** What its teller numbers kinds of events by, 0 to 255. */
  readonly code: number;
  readonly workspace: string;
  /** Empty: not known. */
  readonly model: string;
  readonly inputTokens: Tokens;
  readonly outputTokens: Tokens;
  readonly cost: NanoUsd;
}

/** A principal, as it was met last, and what happened to it, the latest first. */
export interface PrincipalHistory {
  readonly caller: CallerName;
  readonly events: readonly PrincipalEvent[];
}

/**
 * Remembers the latest events of many principals.
 *
 * All that it takes is taken at the start, as columns: an event makes no object, which the collector of garbage would
 * have to carry along for as long as it is remembered.
 */
export class PrincipalHistories {
  readonly #size: HistoriesSize;
  readonly #slots = new Map<string, number>();
  readonly #callers: (CallerName | undefined)[];
  /** Whether anything was told since the hand passed by. */
  readonly #isFresh: Uint8Array;
  readonly #told: Float64Array;
  readonly #at: Float64Array;
  readonly #codes: Uint8Array;
  readonly #workspaces: string[];
  readonly #models: string[];
  readonly #inputs: Float64Array;
  readonly #outputs: Float64Array;
  readonly #costs: Float64Array;
  #hand = 0;

  constructor(size: HistoriesSize) {
    this.#size = size;
    const rows = size.principals * size.events;
    this.#callers = new Array<CallerName | undefined>(size.principals).fill(undefined);
    this.#isFresh = new Uint8Array(size.principals);
    this.#told = new Float64Array(size.principals);
    this.#at = new Float64Array(rows);
    this.#codes = new Uint8Array(rows);
    this.#workspaces = new Array<string>(rows).fill("");
    this.#models = new Array<string>(rows).fill("");
    this.#inputs = new Float64Array(rows);
    this.#outputs = new Float64Array(rows);
    this.#costs = new Float64Array(rows);
  }

  add(caller: CallerName, event: Omit<PrincipalEvent, "workspace">): void {
    const slot = this.#slots.get(caller.principal) ?? this.#takeSlot(caller.principal);
    this.#callers[slot] = caller;
    this.#isFresh[slot] = 1;
    const told = this.#told[slot] ?? 0;
    this.#told[slot] = told + 1;
    const row = slot * this.#size.events + (told % this.#size.events);
    this.#at[row] = event.at;
    this.#codes[row] = event.code;
    this.#workspaces[row] = caller.workspace;
    this.#models[row] = event.model;
    this.#inputs[row] = event.inputTokens;
    this.#outputs[row] = event.outputTokens;
    this.#costs[row] = event.cost;
  }

  /** @returns undefined where nothing is remembered. */
  of(principal: string): PrincipalHistory | undefined {
    const slot = this.#slots.get(principal);
    const caller = slot === undefined ? undefined : this.#callers[slot];
    if (slot === undefined || !caller) return undefined;
    const told = this.#told[slot] ?? 0;
    const events = Array.from({ length: Math.min(told, this.#size.events) }, (_, back) =>
      this.#event(slot * this.#size.events + ((told - 1 - back) % this.#size.events)),
    );
    return { caller, events };
  }

  #event(row: number): PrincipalEvent {
    return {
      at: this.#at[row] ?? 0,
      code: this.#codes[row] ?? 0,
      workspace: this.#workspaces[row] ?? "",
      model: this.#models[row] ?? "",
      inputTokens: this.#inputs[row] ?? 0,
      outputTokens: this.#outputs[row] ?? 0,
      cost: this.#costs[row] ?? 0,
    };
  }

  /** A slot of nobody, or else of the first whom nothing was told of since the hand passed: "second chance". */
  #takeSlot(principal: string): number {
    const slot = this.#slots.size < this.#size.principals ? this.#slots.size : this.#freeSlot();
    this.#slots.set(principal, slot);
    this.#told[slot] = 0;
    return slot;
  }

  #freeSlot(): number {
    while (this.#isFresh[this.#hand] === 1) {
      this.#isFresh[this.#hand] = 0;
      this.#hand = (this.#hand + 1) % this.#size.principals;
    }
    const slot = this.#hand;
    const caller = this.#callers[slot];
    if (caller) this.#slots.delete(caller.principal);
    this.#hand = (slot + 1) % this.#size.principals;
    return slot;
  }
}
