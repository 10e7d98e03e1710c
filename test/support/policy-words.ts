import { LIMIT_KEYS, type Limit, type Scope } from "../../src/domain/limit.js";
import type { Model } from "../../src/domain/model.js";
import { type Fraction, type Rates, rate } from "../../src/domain/money.js";
import type { ListedPrincipal, Policy, Role, Workspace } from "../../src/domain/policy.js";
import { HTTP_STATUS, reasonOf } from "../../src/domain/reason.js";

/** A ceiling, or a ceiling and what else the limit says. */
export type LimitWords = number | (Partial<Pick<Limit, "shadow" | "shared" | "httpStatus">> & { ceiling: number });

/**
 * A policy in a few words.
 *
 * Limits go by their full names, as answers spell them. Whoever a limit names exists; workspace `dev` and role
 * `developer` exist always, and listed principals are theirs unless said otherwise.
 */
export interface PolicyWords
  extends Partial<Omit<Policy, "limits" | "workspaces" | "roles" | "principals" | "models">> {
  readonly limits?: Readonly<Record<string, LimitWords>>;
  readonly workspaces?: Readonly<Record<string, Partial<Workspace>>>;
  readonly roles?: Readonly<Record<string, Partial<Role>>>;
  readonly principals?: Readonly<Record<string, Partial<ListedPrincipal>>>;
  readonly models?: readonly Model[];
}

const SCOPE_OF: Readonly<Record<string, Scope>> = {
  organization: "organization",
  workspaces: "workspace",
  roles: "role",
  principals: "principal",
};

/** Build a limit from its full name: `roles.analyst.tokens_per_day`. @throws Error for a name that is none. */
export function limitOf(name: string, words: LimitWords): Limit {
  const key = name.slice(name.lastIndexOf(".") + 1);
  const scope = SCOPE_OF[name.slice(0, name.indexOf("."))];
  const counted = LIMIT_KEYS.get(key);
  if (!scope || !counted) throw new Error(`${name} is no limit`);
  const said = typeof words === "number" ? { ceiling: words } : words;
  return {
    name,
    key,
    scope,
    ...counted,
    shadow: false,
    shared: false,
    httpStatus: HTTP_STATUS[reasonOf(counted)],
    ...said,
  };
}

/** A price of so many nano-USD for so many units. */
export function nano(nanoUsd: number, perUnits = 1): Fraction {
  return rate(BigInt(nanoUsd), BigInt(perUnits));
}

const NO_RATES: Rates = {
  inputToken: undefined,
  cachedInputToken: undefined,
  outputToken: undefined,
  page: undefined,
  annotatedPage: undefined,
  audioSecond: undefined,
};

/** A model that serves chat, unless said otherwise, and has the prices that are said. */
export function modelOf(id: string, words: Partial<Omit<Model, "rates">> & { rates?: Partial<Rates> } = {}): Model {
  return {
    id,
    names: [id],
    endpoints: ["chat_completions"],
    contextLength: undefined,
    maxOutputTokens: undefined,
    ...words,
    rates: { ...NO_RATES, ...words.rates },
  };
}

/** Input at 2 nano-USD a token, cached input at 1, output at 3. */
export const SMALL = modelOf("small-1", {
  names: ["small-1", "small"],
  rates: { inputToken: nano(2), cachedInputToken: nano(1), outputToken: nano(3) },
});

/** Build a policy. */
export function policyOf(words: PolicyWords = {}): Policy {
  const { limits = {}, workspaces = {}, roles = {}, principals = {}, models = [SMALL], ...rest } = words;
  const all = Object.entries(limits).map(([name, said]) => limitOf(name, said));
  const ids = new Set(models.map(({ id }) => id));
  const named = <Said>(kind: string, said: Readonly<Record<string, Said>>, ...always: string[]) =>
    namesIn(kind, Object.keys(limits), [...always, ...Object.keys(said)]).map((name) => {
      const own = all.filter((limit) => limit.name === `${kind}.${name}.${limit.key}`);
      return { name, limits: own, models: ids, endpoints: undefined, defaultMaxOutputTokens: undefined, ...said[name] };
    });
  return {
    revision: "r1",
    organization: "acme",
    timezone: "UTC",
    unlistedPrincipals: "allow",
    credentials: { holders: new Set(), byApiKeyHash: new Map(), bySpiffeId: new Map(), tokens: new Map() },
    trust: [],
    issuers: new Map(),
    defaultMaxOutputTokens: 4096,
    alerts: [],
    ...rest,
    limits: all.filter(({ scope }) => scope === "organization"),
    workspaces: byName(named("workspaces", workspaces, "dev").map((said) => ({ ...PLAIN_WORKSPACE, ...said }))),
    roles: byName(named("roles", roles, "developer")),
    principals: byName(
      named("principals", principals).map((said) => ({
        ...PLAIN_PRINCIPAL,
        ...said,
        models: principals[said.name]?.models,
      })),
    ),
    models: new Map(models.flatMap((model) => model.names.map((name) => [name, model]))),
  };
}

const PLAIN_WORKSPACE = {
  onStoreFailure: "deny",
  unsettled: "charge",
  reservationTtlMs: 900_000,
  priceFactor: { numerator: 1n, denominator: 1n },
  upstreamKey: undefined,
  unbounded: new Set(["output"] as const),
} as const;

const PLAIN_PRINCIPAL = { workspace: "dev", role: "developer", disabled: false } as const;

function namesIn(kind: string, limitNames: readonly string[], others: readonly string[]): readonly string[] {
  const found = limitNames
    .filter((name) => name.startsWith(`${kind}.`))
    .map((name) => name.slice(kind.length + 1, name.lastIndexOf(".")));
  return [...new Set([...others, ...found])];
}

function byName<Item extends { readonly name: string }>(items: readonly Item[]): ReadonlyMap<string, Item> {
  return new Map(items.map((item) => [item.name, item]));
}
