import type { CallerName } from "../../app/ports.js";
import type { EpochMs, NanoUsd } from "../../domain/units.js";

/** Calls, and what they cost. */
export interface Sum {
  calls: number;
  cost: NanoUsd;
}

/** Blocked: was allowed, and would be denied. Admitted: the other way round. */
export type TurnKind = "blocked" | "admitted";

/** What decided a turn: of one that is blocked the new policy's limit and reason, of one that is admitted the old ones. */
export interface Cause {
  /** undefined: a rule. */
  readonly limit: string | undefined;
  readonly reason: string;
}

/** A decision that would turn. */
export interface Turn {
  readonly kind: TurnKind;
  readonly at: EpochMs;
  readonly caller: CallerName;
  readonly model: string;
  readonly requestId: string;
  readonly cause: Cause;
  /** For a person; empty where it is admitted. */
  readonly message: string;
  /** What it cost or, where it is admitted, what it would cost at the most; undefined: not known yet. */
  cost: NanoUsd | undefined;
}

/** Turns of one principal. */
export interface PrincipalRow {
  readonly caller: CallerName;
  readonly blocked: Sum;
  readonly admitted: Sum;
}

/** Turns of one cause. */
export interface CauseRow extends Sum {
  readonly kind: TurnKind;
  readonly cause: Cause;
}

/** Names in a log are its callers' own; what comes beyond so many is counted as everybody else's. */
const MOST_ROWS = 65_536;
const OTHERS: CallerName = { principal: "(others)", role: "", workspace: "" };
const OTHER_CAUSES: Cause = { limit: "(others)", reason: "" };

/** Adds up the decisions that would turn: in all, by principal and by what decides. */
export class Tally {
  readonly blocked: Sum = { calls: 0, cost: 0 };
  readonly admitted: Sum = { calls: 0, cost: 0 };
  /** Those of the blocked of which the log does not say what they used: at what they had reserved. */
  readonly estimated: Sum = { calls: 0, cost: 0 };
  /** The first of each kind. */
  readonly examples: readonly Turn[];
  readonly #principals = new Map<string, PrincipalRow>();
  readonly #causes = new Map<string, CauseRow>();
  readonly #examples: Turn[] = [];
  readonly #shown: number;
  readonly #mostRows: number;

  /** @param shown how many examples of each kind are kept. */
  constructor(shown: number, mostRows = MOST_ROWS) {
    this.examples = this.#examples;
    this.#shown = shown;
    this.#mostRows = mostRows;
  }

  /** Count a decision that turns. What it costs may come later. */
  add(turn: Turn): void {
    const sum = this[turn.kind];
    if (sum.calls < this.#shown) this.#examples.push(turn);
    sum.calls++;
    this.#principal(turn)[turn.kind].calls++;
    this.#cause(turn).calls++;
    if (turn.cost !== undefined) this.#cost(turn, turn.cost);
  }

  /** Say what a blocked call had cost. */
  settle(turn: Turn, cost: NanoUsd, isEstimate: boolean): void {
    turn.cost = cost;
    this.#cost(turn, cost);
    if (!isEstimate) return;
    this.estimated.calls++;
    this.estimated.cost += cost;
  }

  /** Most blocked calls first, then most admitted ones. */
  principals(): readonly PrincipalRow[] {
    const by = (left: PrincipalRow, right: PrincipalRow) =>
      right.blocked.calls - left.blocked.calls || right.admitted.calls - left.admitted.calls;
    return [...this.#principals.values()].sort(by);
  }

  /** Blocked calls first; of each kind what decides most. */
  causes(): readonly CauseRow[] {
    const rank = ({ kind }: CauseRow) => (kind === "blocked" ? 0 : 1);
    return [...this.#causes.values()].sort((left, right) => rank(left) - rank(right) || right.calls - left.calls);
  }

  #cost(turn: Turn, cost: NanoUsd): void {
    this[turn.kind].cost += cost;
    this.#principal(turn)[turn.kind].cost += cost;
    this.#cause(turn).cost += cost;
  }

  #principal({ caller }: Turn): PrincipalRow {
    const { principal, role, workspace } = caller;
    const make = (who: CallerName) => ({
      caller: who,
      blocked: { calls: 0, cost: 0 },
      admitted: { calls: 0, cost: 0 },
    });
    return this.#row(this.#principals, `${workspace} ${role} ${principal}`, "", (isOther) =>
      make(isOther ? OTHERS : caller),
    );
  }

  #cause({ kind, cause }: Turn): CauseRow {
    const make = (of: Cause) => ({ kind, cause: of, calls: 0, cost: 0 });
    return this.#row(this.#causes, `${kind} ${cause.limit ?? ""} ${cause.reason}`, kind, (isOther) =>
      make(isOther ? OTHER_CAUSES : cause),
    );
  }

  /** Find or make a row. None ever goes, so that what a call cost is added where the call was. */
  #row<Row>(rows: Map<string, Row>, key: string, otherKey: string, make: (isOther: boolean) => Row): Row {
    const known = rows.get(key);
    if (known) return known;
    const isOther = rows.size >= this.#mostRows;
    const where = isOther ? otherKey : key;
    const row = rows.get(where) ?? make(isOther);
    rows.set(where, row);
    return row;
  }
}
