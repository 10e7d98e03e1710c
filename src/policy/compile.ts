import type { Endpoint, Model } from "../domain/model.js";
import type { Fraction } from "../domain/money.js";
import type { ListedPrincipal, Policy, Role, Workspace } from "../domain/policy.js";
import { CATALOGUE } from "./catalogue.js";
import { compileAlerts } from "./compile-alerts.js";
import { beginIdentity } from "./compile-identity.js";
import { compileLimits } from "./compile-limits.js";
import { compileSecret } from "./compile-secret.js";
import { idsMeant, modelsOf } from "./models.js";
import type { PolicyFile } from "./schema.js";

const ONE: Fraction = { numerator: 1n, denominator: 1n };

/** Turns the text of a `models` list into dated ids. */
type ListModels = (entries: readonly string[]) => ReadonlySet<string>;

/**
 * Compile a file that was read without a fault.
 *
 * @param revision what decisions name this policy by.
 * @throws Error for a file that `readPolicy` would have refused.
 */
export function compilePolicy(file: PolicyFile, revision: string): Policy {
  const compiling = beginPolicy(file, revision);
  compiling.add(file.principals);
  return compiling.finish();
}

/** A policy that takes its principals a part at a time, because there may be thousands. */
export interface Compiling {
  add(principals: PolicyFile["principals"]): void;
  finish(): Policy;
}

/** Compile all of a file but its principals, which are still to come. */
export function beginPolicy(file: Omit<PolicyFile, "principals">, revision: string): Compiling {
  const { byName, problems } = modelsOf(CATALOGUE, new Map(Object.entries(file.models)));
  const [problem] = problems;
  if (problem) throw new Error(`model ${problem.path.join(".")}: ${problem.what}`);

  const listModels = modelLister(byName);
  const principals = new Map<string, ListedPrincipal>();
  const identity = beginIdentity(file.trust);
  const policy: Policy = {
    revision,
    organization: file.organization,
    timezone: file.timezone,
    limits: compileLimits("organization", "organization", file.limits),
    workspaces: mapped(file.workspaces, (name, rule) => workspaceOf(name, rule, file, listModels)),
    roles: mapped(file.roles, (name, rule) => roleOf(name, rule, listModels)),
    principals,
    unlistedPrincipals: file.unlisted_principals,
    credentials: identity.credentials,
    trust: identity.trust,
    issuers: identity.issuers,
    models: byName,
    defaultMaxOutputTokens: file.default_max_output_tokens,
    alerts: compileAlerts(file),
  };
  return {
    add(some) {
      for (const [name, rule] of Object.entries(some)) {
        principals.set(name, principalOf(name, rule, listModels));
        identity.add(name, rule.credentials);
      }
    },
    finish: () => policy,
  };
}

function workspaceOf(
  name: string,
  rule: PolicyFile["workspaces"][string],
  file: Omit<PolicyFile, "principals">,
  listModels: ListModels,
): Workspace {
  return {
    name,
    limits: compileLimits("workspace", `workspaces.${name}`, rule.limits),
    models: listModels(rule.models),
    endpoints: endpointsOf(rule.endpoints),
    onStoreFailure: rule.on_store_failure ?? file.on_store_failure,
    unsettled: rule.unsettled ?? file.unsettled,
    reservationTtlMs: rule.reservation_ttl ?? file.reservation_ttl,
    priceFactor: rule.price_factor ?? file.price_factor ?? ONE,
    defaultMaxOutputTokens: rule.default_max_output_tokens,
    upstreamKey: rule.upstream_key && compileSecret(rule.upstream_key),
    unbounded: new Set(rule.unbounded ?? file.unbounded),
  };
}

function roleOf(name: string, rule: PolicyFile["roles"][string], listModels: ListModels): Role {
  return {
    name,
    limits: compileLimits("role", `roles.${name}`, rule.limits),
    models: listModels(rule.models),
    endpoints: endpointsOf(rule.endpoints),
    defaultMaxOutputTokens: rule.default_max_output_tokens,
  };
}

function principalOf(name: string, rule: PolicyFile["principals"][string], listModels: ListModels): ListedPrincipal {
  return {
    name,
    role: rule.role,
    workspace: rule.workspace,
    disabled: rule.disabled ?? false,
    limits: compileLimits("principal", `principals.${name}`, rule.limits),
    models: rule.models && listModels(rule.models),
    endpoints: endpointsOf(rule.endpoints),
  };
}

function endpointsOf(endpoints: readonly Endpoint[] | undefined): ReadonlySet<Endpoint> | undefined {
  return endpoints && new Set(endpoints);
}

/** Equal lists share one set: thousands of principals have few different ones. */
function modelLister(byName: ReadonlyMap<string, Model>): ListModels {
  const known = new Map<string, ReadonlySet<string>>();
  return (entries) => {
    const key = entries.join(" ");
    const ids = known.get(key) ?? new Set(entries.flatMap((entry) => idsMeant(entry, byName)));
    known.set(key, ids);
    return ids;
  };
}

function mapped<From, To>(record: Readonly<Record<string, From>>, map: (name: string, from: From) => To) {
  return new Map(Object.entries(record).map(([name, from]): [string, To] => [name, map(name, from)]));
}
