import { LRUCache } from "lru-cache";
import { callerOf, type Standing, standingOf } from "../domain/caller.js";
import type { Endpoint } from "../domain/model.js";
import { type Plan, planFor } from "../domain/plan.js";
import type { ListedPrincipal, Policy, Role, Workspace } from "../domain/policy.js";
import type { Calendar } from "../domain/window.js";
import type { Account, CallerName, CounterStore } from "./ports.js";

/** Callers that are kept resolved. Another one costs some microseconds again, and its counters are not touched. */
const KEPT_CALLERS = 65_536;

/** A caller, ready to be decided on. */
export interface Resolved {
  readonly kind: "resolved";
  readonly account: Account;
  readonly who: CallerName;
  readonly standing: Standing;
  /** By asked model, then by what else was asked. Only names of the catalogue are kept, so that it stays small. */
  readonly plans: Plans;
}

type Plans = Map<string, Map<PlanKey, Plan>>;
type PlanKey = Endpoint | `${Endpoint | "first"}, annotated` | undefined;

/** What a listed or unlisted principal is made of. */
export interface Parts {
  readonly principal: string;
  readonly workspace: Workspace;
  readonly role: Role;
  readonly listed: ListedPrincipal | undefined;
}

/**
 * One policy with all that was worked out under it. A request uses one snapshot from start to end; a reload begins a new
 * one, and the old one goes with its last request.
 */
export class Snapshot {
  readonly policy: Policy;
  readonly calendar: Calendar;
  readonly #store: CounterStore;
  readonly #callers: LRUCache<string, Resolved>;
  /** What principals of one role in one workspace share; listed ones too, but for the rules and limits of their own. */
  readonly #shared = new Map<string, Pick<Resolved, "standing" | "plans">>();

  /** @param keptCallers room for so many is taken at once, which those who make many snapshots feel. */
  constructor(policy: Policy, calendar: Calendar, store: CounterStore, keptCallers = KEPT_CALLERS) {
    this.#callers = new LRUCache({ max: keptCallers });
    this.policy = policy;
    this.calendar = calendar;
    this.#store = store;
  }

  /** A caller that was resolved before; undefined: it must be looked up in the policy. */
  known(workspace: string, role: string, principal: string): Resolved | undefined {
    return this.#callers.get(`${workspace} ${role} ${principal}`);
  }

  /** Resolve a caller whose parts the policy knows. */
  resolve(parts: Parts): Resolved {
    const { principal, workspace, role } = parts;
    const known = this.known(workspace.name, role.name, principal);
    if (known) return known;

    const { standing, plans } = this.#standing(parts);
    const account = this.#store.open(callerOf(standing, principal));
    const who = { principal, role: role.name, workspace: workspace.name };
    const resolved: Resolved = { kind: "resolved", account, who, standing, plans };
    this.#callers.set(`${workspace.name} ${role.name} ${principal}`, resolved);
    return resolved;
  }

  /** What the rules make of a model on an endpoint, for a resolved caller. */
  plan({ standing, plans }: Resolved, model: string, endpoint: Endpoint | undefined, annotatedPages: boolean): Plan {
    const key: PlanKey = annotatedPages ? `${endpoint ?? "first"}, annotated` : endpoint;
    const known = plans.get(model)?.get(key);
    if (known) return known;

    const plan = planFor(this.policy, standing, model, endpoint, annotatedPages);
    if (!plan.model) return plan;
    const ofModel = plans.get(model) ?? new Map<PlanKey, Plan>();
    ofModel.set(key, plan);
    plans.set(model, ofModel);
    return plan;
  }

  #standing(parts: Parts): Pick<Resolved, "standing" | "plans"> {
    const { workspace, role, listed } = parts;
    const shared = this.#sharedStanding(parts);
    if (!listed) return shared;

    const standing = standingOf(this.policy, workspace, role, listed);
    const hasNoRules = !listed.models && !listed.endpoints && !listed.disabled;
    const hasSharedPlans = hasNoRules && standing.spendsMoney === shared.standing.spendsMoney;
    return { standing, plans: hasSharedPlans ? shared.plans : new Map() };
  }

  #sharedStanding({ workspace, role }: Parts): Pick<Resolved, "standing" | "plans"> {
    const key = `${workspace.name} ${role.name}`;
    const known = this.#shared.get(key);
    if (known) return known;
    const standing = standingOf(this.policy, workspace, role, undefined);
    const shared = { standing, plans: new Map<string, Map<PlanKey, Plan>>() };
    this.#shared.set(key, shared);
    return shared;
  }
}
