import type { Endpoint, Model } from "../model.js";
import { isPriced } from "../plan.js";
import type { ListedPrincipal, Policy, Role, Workspace } from "../policy.js";
import { type Difference, shownList } from "./change.js";

/** What somebody may call: endpoints by dated model; a model without any is left out. */
export type MayCall = ReadonlyMap<string, readonly Endpoint[]>;

/** Somebody as far as rules go. */
export interface Ruled {
  readonly workspace: Workspace;
  readonly role: Role;
  readonly listed: ListedPrincipal | undefined;
}

const NOTHING: MayCall = new Map();

/**
 * Says what the rules of one policy let people call, as `planFor` would for each model and endpoint.
 *
 * Thousands who are alike in their lists get one and the same answer, so that answers can be compared once.
 */
export class Permissions {
  readonly #policy: Policy;
  readonly #models: readonly Model[];
  readonly #known = new Map<string, MayCall>();
  readonly #numbers = new Map<object, number>();

  constructor(policy: Policy) {
    this.#policy = policy;
    this.#models = [...new Set(policy.models.values())].sort((left, right) => (left.id < right.id ? -1 : 1));
  }

  of({ workspace, role, listed }: Ruled): MayCall {
    if (listed?.disabled) return NOTHING;
    const scopes = listed ? [workspace, role, listed] : [workspace, role];
    const lists = scopes.flatMap(({ models, endpoints }) => [models, endpoints]);
    const spendsMoney = [this.#policy, ...scopes].some(({ limits }) => limits.some(({ metric }) => metric === "usd"));
    const key = `${lists.map((list) => this.#numberOf(list)).join(" ")} ${spendsMoney}`;
    const known = this.#known.get(key);
    if (known) return known;

    const may = new Map<string, readonly Endpoint[]>();
    for (const model of this.#models) {
      if (!scopes.every(({ models }) => models === undefined || models.has(model.id))) continue;
      const open = model.endpoints.filter(
        (endpoint) =>
          scopes.every(({ endpoints }) => endpoints === undefined || endpoints.has(endpoint)) &&
          (!spendsMoney || isPriced(model, endpoint)),
      );
      if (open.length > 0) may.set(model.id, open);
    }
    this.#known.set(key, may);
    return may;
  }

  #numberOf(list: object | undefined): number {
    if (!list) return 0;
    const known = this.#numbers.get(list) ?? this.#numbers.size + 1;
    this.#numbers.set(list, known);
    return known;
  }
}

/** Finds what is gained and lost between two answers; for the same two it is the same list, found once. */
export class MayCallComparison {
  readonly #known = new Map<MayCall, Map<MayCall, readonly Difference[]>>();

  between(old: MayCall, now: MayCall): readonly Difference[] {
    const ofOld = this.#known.get(old) ?? new Map<MayCall, readonly Difference[]>();
    this.#known.set(old, ofOld);
    const known = ofOld.get(now) ?? differencesOf(old, now);
    ofOld.set(now, known);
    return known;
  }
}

/** Nobody may call anything: where a role or a workspace is not there. */
export const MAY_CALL_NOTHING = NOTHING;

function differencesOf(old: MayCall, now: MayCall): readonly Difference[] {
  return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((model): readonly Difference[] => {
    const [before, after] = [old.get(model) ?? [], now.get(model) ?? []];
    const lost = before.filter((endpoint) => !after.includes(endpoint));
    const gained = after.filter((endpoint) => !before.includes(endpoint));
    if (lost.length + gained.length === 0) return [];
    const effect = lost.length === 0 ? "gains" : gained.length === 0 ? "loses" : "changes";
    const isWhole = before.length === 0 || after.length === 0;
    const side = (endpoints: readonly Endpoint[]) => {
      if (!isWhole) return shownList(endpoints);
      return endpoints.length > 0 ? { text: "may", value: true } : { text: "may not", value: false };
    };
    return [{ section: "models", effect, what: model, from: side(before), to: side(after) }];
  });
}
