import type { Model } from "../domain/model.js";
import type { Path } from "./faults.js";
import { ratesOf } from "./model-rates.js";
import type { ModelRule } from "./model-schema.js";
import { show } from "./show.js";

export type BuiltIn = ReadonlyMap<string, Model>;
export type ModelRules = ReadonlyMap<string, ModelRule>;

/** What is wrong with a file's models; the path starts at an entry's id. */
export interface ModelProblem {
  readonly path: Path;
  readonly at: "key" | "value";
  readonly what: string;
  readonly remedy: string;
  /** A name that means nothing, for which a near one may be suggested. */
  readonly unknown?: string;
}

export type Report = (problem: ModelProblem) => void;

/** Where an entry takes what it leaves out from. `broken`: it says where, and there is no such place. */
type Base =
  | { readonly kind: "none" | "broken" }
  | { readonly kind: "built_in"; readonly model: Model }
  | { readonly kind: "rule"; readonly id: string };

/** Complete every entry of a file from the model that it is like, or that it redefines. */
export function mergeModels(builtIn: BuiltIn, rules: ModelRules, report: Report): ReadonlyMap<string, Model> {
  const merged = new Map<string, Model>();
  const merge: Merge = { builtIn, rules, report, merged, owners: ownersOf(builtIn, rules) };
  for (const start of rules.keys()) {
    // By a list rather than by recursion: a chain may be as long as the file.
    const chain = new Map<string, Base>();
    for (let id: string | undefined = start; id !== undefined && !merged.has(id); ) {
      const base: Base = baseOf(id, merge);
      const closes: boolean = base.kind === "rule" && (chain.has(base.id) || base.id === id);
      if (closes) report(circle(id));
      chain.set(id, closes ? { kind: "broken" } : base);
      id = base.kind === "rule" && !closes ? base.id : undefined;
    }
    for (const [id, base] of [...chain].reverse()) merged.set(id, complete(id, base, merge));
  }
  return merged;
}

interface Merge {
  readonly builtIn: BuiltIn;
  readonly rules: ModelRules;
  readonly owners: Owners;
  readonly report: Report;
  /** What is complete so far. */
  readonly merged: ReadonlyMap<string, Model>;
}

function complete(id: string, base: Base, { builtIn, rules, report, merged }: Merge): Model {
  const rule = rules.get(id) ?? {};
  const from = base.kind === "built_in" ? base.model : base.kind === "rule" ? merged.get(base.id) : undefined;
  const [first, ...more] = rule.endpoints ?? from?.endpoints ?? [];
  if (rule.free && rule.prices) report(pricedAndFree(id));
  if (!first && base.kind === "none") report(withoutEndpoints(id));
  return {
    id,
    names: [id, ...(rule.aliases ?? builtIn.get(id)?.names.slice(1) ?? [])],
    endpoints: [first ?? "chat_completions", ...more],
    contextLength: rule.context_length ?? from?.contextLength,
    maxOutputTokens: rule.max_output_tokens ?? from?.maxOutputTokens,
    rates: ratesOf(rule, from?.rates),
  };
}

/** Which models claim a name: the file's by their aliases, the catalogue's by id and alias. */
interface Owners {
  readonly inFile: ReadonlyMap<string, string>;
  readonly builtIn: ReadonlyMap<string, string>;
}

function ownersOf(builtIn: BuiltIn, rules: ModelRules): Owners {
  return {
    inFile: new Map(
      [...rules].flatMap(([id, { aliases = [] }]) => aliases.map((alias): [string, string] => [alias, id])),
    ),
    builtIn: new Map(
      [...builtIn.values()].flatMap(({ id, names }) => names.map((name): [string, string] => [name, id])),
    ),
  };
}

function baseOf(id: string, { builtIn, rules, owners, report }: Merge): Base {
  const redefined = builtIn.get(id);
  const like = rules.get(id)?.like ?? (redefined ? id : undefined);
  if (like === undefined) return { kind: "none" };

  const owner = owners.builtIn.get(like);
  const inFile = [like, owners.inFile.get(like), owner].find(
    (name) => name !== undefined && name !== id && rules.has(name),
  );
  if (inFile !== undefined) return { kind: "rule", id: inFile };
  const model = owner === undefined ? undefined : builtIn.get(owner);
  if (model) return { kind: "built_in", model };
  if (like === id || owners.inFile.get(like) === id) return { kind: "rule", id };
  report({
    path: [id, "like"],
    at: "value",
    what: `unknown model ${show(like)}`,
    remedy: "name a model of the catalogue or of this file",
    unknown: like,
  });
  return { kind: "broken" };
}

function circle(id: string): ModelProblem {
  const remedy = "let one of the models say its endpoints and prices itself";
  return { path: [id, "like"], at: "value", what: "this model is like itself, by a circle of `like`", remedy };
}

function pricedAndFree(id: string): ModelProblem {
  return { path: [id, "free"], at: "key", what: "both `free` and `prices`", remedy: "keep one of them" };
}

function withoutEndpoints(id: string): ModelProblem {
  const remedy = "add endpoints: [chat_completions], or like: with a model that it resembles";
  return { path: [id, "endpoints"], at: "value", what: "missing", remedy };
}
