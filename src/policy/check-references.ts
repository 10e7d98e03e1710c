import type { Model } from "../domain/model.js";
import { CATALOGUE } from "./catalogue.js";
import type { Path, Problem } from "./faults.js";
import { type ModelRule, modelSchema } from "./model-schema.js";
import { idsMeant, modelsOf } from "./models.js";
import { ID } from "./names.js";
import { didYouMean, type Suggest } from "./nearest.js";
import { entriesAt, itemsAt, textAt } from "./raw.js";
import { show } from "./show.js";

/** Check that the roles, workspaces and models that the file speaks of exist. */
export function checkReferences(raw: unknown, suggest: Suggest): readonly Problem[] {
  const known = knownNames(raw);
  const principals = entriesAt(raw, "principals").flatMap(([id, principal]) =>
    (["role", "workspace"] as const).flatMap((kind) =>
      unknownName(known, kind, textAt(principal, kind), ["principals", id, kind], suggest),
    ),
  );
  return [...principals, ...checkModels(raw, suggest)];
}

/** The names that others may refer to. */
export interface KnownNames {
  readonly role: ReadonlySet<string>;
  readonly workspace: ReadonlySet<string>;
}

/** Gather the names of roles and workspaces, whatever else is wrong with them. */
export function knownNames(raw: unknown): KnownNames {
  const names = (section: string) => new Set(entriesAt(raw, section).map(([name]) => name));
  return { role: names("roles"), workspace: names("workspaces") };
}

/** The problem of a name that nothing has; none where the text is missing, which the schema tells. */
export function unknownName(
  known: KnownNames,
  kind: keyof KnownNames,
  name: string | undefined,
  path: Path,
  suggest: Suggest,
): readonly Problem[] {
  if (name === undefined || known[kind].has(name)) return [];
  const remedy = () => didYouMean(suggest(name, known[kind]), `define it under ${kind}s`);
  return [{ path, at: "value", what: `unknown ${kind} ${show(name)}`, remedy }];
}

function checkModels(raw: unknown, suggest: Suggest): readonly Problem[] {
  const { byName, problems } = modelsOf(CATALOGUE, modelRules(raw));
  const own = problems.map(
    ({ path, at, what, remedy, unknown }): Problem => ({
      path: ["models", ...path],
      at,
      what,
      remedy: unknown === undefined ? remedy : () => didYouMean(suggest(unknown, byName.keys()), remedy),
    }),
  );
  const meant = new Map<string, boolean>();
  const means = (entry: string) => {
    const found = meant.get(entry) ?? idsMeant(entry, byName).length > 0;
    meant.set(entry, found);
    return found;
  };
  const lists = ["workspaces", "roles", "principals"].flatMap((section) =>
    entriesAt(raw, section).flatMap(([name, ruled]) =>
      itemsAt(ruled, "models").flatMap((entry, index) =>
        typeof entry !== "string" || !ID.test(entry) || means(entry)
          ? []
          : [unknownModel(entry, [section, name, "models", index], byName, suggest)],
      ),
    ),
  );
  return [...own, ...lists];
}

function unknownModel(entry: string, path: Path, byName: ReadonlyMap<string, Model>, suggest: Suggest): Problem {
  const what = entry.includes("*") ? `no model matches ${show(entry)}` : `unknown model ${show(entry)}`;
  const remedy = () => didYouMean(suggest(entry, byName.keys()), "add it under models, or name one of the catalogue");
  return { path, at: "value", what, remedy };
}

/** The file's models as far as they can be read. One that cannot still has its name, which others may use. */
function modelRules(raw: unknown): ReadonlyMap<string, ModelRule> {
  return new Map(
    entriesAt(raw, "models").map(([id, entry]): [string, ModelRule] => {
      const read = modelSchema.safeParse(entry);
      return [id, read.success ? read.data : { endpoints: ["chat_completions"] }];
    }),
  );
}
