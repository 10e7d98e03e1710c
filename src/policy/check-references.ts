import { ID } from "../domain/names.js";
import { CATALOGUE } from "./catalogue.js";
import type { Path, Problem } from "./faults.js";
import { type ModelRule, modelSchema } from "./model-schema.js";
import { idsMeant, modelsOf } from "./models.js";
import { didYouMean, type Suggest } from "./nearest.js";
import { entriesAt, itemsAt, textAt } from "./raw.js";
import { show } from "./show.js";

/** Check that the roles, workspaces and models that the file speaks of exist. */
export function checkReferences(raw: unknown, suggest: Suggest): readonly Problem[] {
  const names = { known: knownNames(raw), suggest };
  const principals = entriesAt(raw, "principals").flatMap(([id, principal]) =>
    (["role", "workspace"] as const).flatMap((kind) =>
      unknownName({ kind, name: textAt(principal, kind), path: ["principals", id, kind] }, names),
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

/** A place that speaks of a role or a workspace; where the text is missing, the schema tells. */
export interface Reference {
  readonly kind: keyof KnownNames;
  readonly name: string | undefined;
  readonly path: Path;
}

/** What there is to refer to, and to suggest. */
export interface Names {
  readonly known: KnownNames;
  readonly suggest: Suggest;
}

/** The problem of a reference to nothing; none where it is sound. */
export function unknownName({ kind, name, path }: Reference, { known, suggest }: Names): readonly Problem[] {
  if (name === undefined || known[kind].has(name)) return [];
  const remedy = () => didYouMean(suggest(name, known[kind]), `define it under ${kind}s`);
  return [{ path, at: "value", what: `unknown ${kind} ${show(name)}`, remedy }];
}

function checkModels(raw: unknown, suggest: Suggest): readonly Problem[] {
  const { byName, problems } = modelsOf(CATALOGUE, modelRules(raw));
  const near = (name: string) => suggest(name, byName.keys());
  const own = problems.map(
    ({ path, at, what, remedy, unknown }): Problem => ({
      path: ["models", ...path],
      at,
      what,
      remedy: unknown === undefined ? remedy : () => didYouMean(near(unknown), remedy),
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
          : [unknownModel(entry, [section, name, "models", index], near)],
      ),
    ),
  );
  return [...own, ...lists];
}

function unknownModel(entry: string, path: Path, near: (name: string) => string | undefined): Problem {
  const what = entry.includes("*") ? `no model matches ${show(entry)}` : `unknown model ${show(entry)}`;
  const remedy = () => didYouMean(near(entry), "add it under models, or name one of the catalogue");
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
