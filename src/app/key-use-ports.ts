import type { SeenUse } from "../domain/key-use.js";
import type { EpochMs } from "../domain/units.js";
import type { Away, MaybePromise } from "./ports.js";

/** Keeps when keys were used last, beside the counters, for all replicas that share these. */
export interface KeyUseStore {
  /** Keep the later of what is kept and what is given, of each key. */
  keep(uses: readonly SeenUse[]): MaybePromise<{ readonly kind: "kept" } | Away>;

  /** All that is kept, in no order. */
  read(): MaybePromise<KeptUses | Away>;
}

export interface KeptUses {
  readonly kind: "uses";
  /** Of what was before nothing is known. */
  readonly since: EpochMs;
  readonly uses: readonly SeenUse[];
}
