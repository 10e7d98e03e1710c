import { type Alias, isAlias, isMap, isScalar, isSeq, type ParsedNode, type YAMLMap } from "yaml";
import type { Path } from "./faults.js";

type Pair = YAMLMap.Parsed["items"][number];

/**
 * Make a function that finds the place of a path in a document, as an offset into its text.
 *
 * What stands behind an alias is found at its anchor. Where a path ends in a key that is missing, its nearest key that
 * is there is meant.
 */
export function locator(
  root: ParsedNode,
  targets: ReadonlyMap<Alias, ParsedNode>,
): (path: Path, at: "key" | "value") => number {
  const indices = new Map<YAMLMap.Parsed, ReadonlyMap<string, Pair>>();
  const behind = (node: ParsedNode | null): ParsedNode | null =>
    node && isAlias(node) ? behind(targets.get(node) ?? null) : node;
  const indexOf = (map: YAMLMap.Parsed) => {
    const index = indices.get(map) ?? indexed(map);
    indices.set(map, index);
    return index;
  };

  return (path, at) => {
    let node: ParsedNode | null = root;
    let key: ParsedNode = root;
    for (const [depth, part] of path.entries()) {
      const inside: ParsedNode | null = behind(node);
      if (isSeq(inside) && typeof part === "number") {
        node = inside.items[part] ?? null;
        key = node ?? key;
        continue;
      }
      const pair: Pair | undefined = isMap(inside) ? indexOf(inside).get(String(part)) : undefined;
      if (!pair) return key.range[0];
      key = pair.key;
      node = pair.value;
      if (depth === path.length - 1 && at === "key") return key.range[0];
    }
    return isBlank(node) ? key.range[0] : node.range[0];
  };
}

/** By key; of two alike the first, as when the values are read. */
function indexed(map: YAMLMap.Parsed): ReadonlyMap<string, Pair> {
  const index = new Map<string, Pair>();
  for (const pair of map.items) {
    const key = isScalar(pair.key) ? String(pair.key.value) : undefined;
    if (key !== undefined && !index.has(key)) index.set(key, pair);
  }
  return index;
}

function isBlank(node: ParsedNode | null): node is null {
  return node === null || (isScalar(node) && node.range[0] === node.range[1]);
}
