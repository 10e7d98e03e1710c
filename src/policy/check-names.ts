import { ID, ID_RULE, MODEL_NAME, MODEL_NAME_RULE, NAME, NAME_RULE } from "../domain/names.js";
import type { Problem } from "./faults.js";
import { entriesAt } from "./raw.js";
import { show } from "./show.js";

const FORMS = [
  { section: "workspaces", kind: "workspace", form: NAME, rule: NAME_RULE },
  { section: "roles", kind: "role", form: NAME, rule: NAME_RULE },
  { section: "principals", kind: "principal", form: ID, rule: ID_RULE },
  { section: "models", kind: "model", form: MODEL_NAME, rule: MODEL_NAME_RULE },
  { section: "notify", kind: "target", form: NAME, rule: NAME_RULE },
] as const;

/** Check what workspaces, roles, principals, models and targets of alerts are called. */
export function checkNames(raw: unknown): readonly Problem[] {
  return FORMS.flatMap(({ section, kind, form, rule }) =>
    entriesAt(raw, section)
      .filter(([name]) => !form.test(name))
      .map(([name]): Problem => {
        const remedy = name === "<<" ? "YAML 1.2 has no merge key; write the entries out" : `use ${rule}`;
        return { path: [section, name], at: "key", what: `${show(name)} cannot be the name of a ${kind}`, remedy };
      }),
  );
}
