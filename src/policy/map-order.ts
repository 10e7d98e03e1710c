import type { Path } from "./faults.js";
import type { PolicyFile } from "./schema.js";

type Trust = PolicyFile["trust"];

/**
 * Put what trust rules map into the order of the file.
 *
 * Order decides where a claim is a list, and a plain object lists keys that are whole numbers before all others.
 *
 * @param offsetOf where the key at a path stands.
 */
export function inFileOrder(trust: Trust, offsetOf: (path: Path) => number): Trust {
  const sorted = <Said>(said: Said, path: Path): Said => {
    if (!hasMap(said)) return said;
    const placed = said.map.map((entry) => ({ entry, offset: offsetOf([...path, "map", entry[0]]) }));
    placed.sort((left, right) => left.offset - right.offset);
    return { ...said, map: placed.map(({ entry }) => entry) };
  };
  return trust.map((rule, index) => ({
    ...rule,
    principal: sorted(rule.principal, ["trust", index, "principal"]),
    role: sorted(rule.role, ["trust", index, "role"]),
    workspace: sorted(rule.workspace, ["trust", index, "workspace"]),
  }));
}

function hasMap(said: unknown): said is { readonly map: readonly (readonly [string, string])[] } {
  return typeof said === "object" && said !== null && "map" in said && Array.isArray(said.map);
}
