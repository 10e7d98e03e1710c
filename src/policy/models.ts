import { globMatches } from "../domain/glob.js";
import type { Model } from "../domain/model.js";
import type { CatalogueEntry } from "./catalogue.js";
import { type BuiltIn, type ModelProblem, type ModelRules, mergeModels, type Report } from "./model-merge.js";
import { modelOfEntry } from "./model-rates.js";
import { show } from "./show.js";

/** The catalogue with a file's models laid over it. */
export interface Models {
  /** By every name. */
  readonly byName: ReadonlyMap<string, Model>;
  /** Where the file's models contradict the catalogue or each other; then `byName` only tells which names there are. */
  readonly problems: readonly ModelProblem[];
}

/** Lay a file's models over the catalogue: new ones beside it, redefined ones in place of its own. */
export function modelsOf(catalogue: readonly CatalogueEntry[], rules: ModelRules): Models {
  const problems: ModelProblem[] = [];
  const report: Report = (problem) => problems.push(problem);
  const builtIn = new Map(catalogue.map((entry) => [entry.id, modelOfEntry(entry)]));
  const merged = mergeModels(builtIn, rules, report);
  return { byName: nameModels({ builtIn, merged, rules, report }), problems };
}

/** The dated ids that an entry of a `models` list means: at most one for a name, any number for a glob. */
export function idsMeant(entry: string, byName: ReadonlyMap<string, Model>): readonly string[] {
  if (!entry.includes("*")) {
    const model = byName.get(entry);
    return model ? [model.id] : [];
  }
  const ids = new Set<string>();
  for (const [name, { id }] of byName) if (globMatches(entry, name)) ids.add(id);
  return [...ids];
}

interface Naming {
  readonly builtIn: BuiltIn;
  readonly merged: ReadonlyMap<string, Model>;
  readonly rules: ModelRules;
  readonly report: Report;
}

/**
 * Give every name to its model.
 *
 * Ids and the catalogue's aliases are given out before the file's aliases, so that a clash is told where it was written.
 */
function nameModels({ builtIn, merged, rules, report }: Naming): ReadonlyMap<string, Model> {
  const byName = new Map<string, Model>();
  const give = (name: string, model: Model): Model | undefined => {
    const holder = byName.get(name);
    if (!holder) byName.set(name, model);
    return holder === model ? undefined : holder;
  };

  for (const own of builtIn.values()) {
    const model = merged.get(own.id) ?? own;
    for (const name of rules.get(own.id)?.aliases ? [model.id] : model.names) give(name, model);
  }
  for (const [id, model] of merged) {
    const holder = give(id, model);
    if (holder) report(aliasAsId(id, holder.id));
  }
  for (const [id, { aliases = [] }] of rules) {
    const model = merged.get(id);
    for (const [index, alias] of aliases.entries()) {
      const holder = model && give(alias, model);
      if (holder) report(aliasTaken(id, index, alias, holder));
    }
  }
  return byName;
}

function aliasAsId(id: string, holder: string): ModelProblem {
  const remedy = `write ${holder} as the key to redefine that model, or choose another id`;
  return { path: [id], at: "key", what: `${show(id)} is an alias of ${holder}`, remedy };
}

function aliasTaken(id: string, index: number, alias: string, holder: Model): ModelProblem {
  const others = holder.names.filter((name) => name !== holder.id && name !== alias);
  const freed = `redefine ${holder.id} with aliases: [${others.join(", ")}]`;
  const remedy = alias === holder.id ? "choose another name" : `choose another name, or ${freed}`;
  return { path: [id, "aliases", index], at: "value", what: `${show(alias)} already means ${holder.id}`, remedy };
}
