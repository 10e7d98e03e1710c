import type { Account } from "../../app/ports.js";
import type { Caller } from "../../domain/caller.js";
import { counterCode, fieldOf, metricCode, SCOPE, scopeOf, windowCode } from "./codes.js";
import { Keys } from "./keys.js";

const LIMIT_BYTES = 11;

/** A caller with all that scripts are told of it, written once. */
export class RedisAccount implements Account {
  readonly caller: Caller;
  readonly keys: Keys;
  readonly ownKey: string;
  /** Fields of the shared hash, then of the principal's own. */
  readonly fields: readonly string[];
  readonly sharedCount: number;
  /** Where the counter of each field stands among `caller.counters`. */
  readonly order: readonly number[];
  /** `<B metric> <B window> <B shadow> <d ceiling>` of each, in the order of `fields`. */
  readonly limits: Buffer;
  /** The role's name with its length before it, as a record holds it. */
  readonly roleBytes: Buffer;
  /** A byte for each, as a record names them. */
  readonly codes: Buffer;

  constructor(caller: Caller) {
    const { standing, counters, principal } = caller;
    this.caller = caller;
    this.keys = new Keys(standing.organization);
    this.ownKey = this.keys.own(principal);
    const role = Buffer.from(standing.role.name, "latin1");
    this.roleBytes = Buffer.concat([Buffer.from([role.length]), role]);

    const counted = standing.counted.flatMap((limit, index) => {
      const counter = counters[index];
      return counter ? [{ limit, counter, index, scope: scopeOf(limit) }] : [];
    });
    const shared = counted.filter(({ scope }) => scope < SCOPE.role);
    const ordered = [...shared, ...counted.filter(({ scope }) => scope >= SCOPE.role)];
    this.sharedCount = shared.length;
    this.order = ordered.map(({ index }) => index);
    this.fields = ordered.map(({ scope, counter }) =>
      fieldOf(scope, counter, standing.workspace.name, standing.role.name),
    );
    this.codes = Buffer.from(ordered.map(({ scope, counter }) => counterCode(scope, counter)));
    this.limits = Buffer.alloc(ordered.length * LIMIT_BYTES);
    for (const [nth, { limit }] of ordered.entries()) {
      const at = nth * LIMIT_BYTES;
      this.limits.writeUInt8(metricCode(limit.metric), at);
      this.limits.writeUInt8(windowCode(limit.window), at + 1);
      this.limits.writeUInt8(limit.shadow ? 1 : 0, at + 2);
      this.limits.writeDoubleLE(limit.ceiling, at + 3);
    }
  }

  get ownCount(): number {
    return this.fields.length - this.sharedCount;
  }

  /** The name of the limit whose field is the `nth`, from 1. */
  limitName(nth: number): string {
    return this.caller.standing.counted[this.order[nth - 1] ?? -1]?.name ?? "";
  }
}
