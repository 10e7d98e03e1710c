import { type Alias, isAlias, isMap, isScalar, isSeq, type ParsedNode, type Scalar, type YAMLMap } from "yaml";
import { lineFinder, type Path, type Spot } from "./faults.js";
import { readNumber } from "./number-text.js";
import { show } from "./show.js";

/** A YAML document as plain values: null, booleans, text, numbers as `readNumber` gives them, lists, maps. */
export interface PlainData {
  readonly data: unknown;
  readonly spots: readonly Spot[];
  /** What each alias stands for. */
  readonly targets: ReadonlyMap<Alias, ParsedNode>;
}

/** What aliases may add to what stands in the file. An alias bomb goes far beyond; repeated limits stay far below. */
const MOST_ALIASED = 250_000;

interface Walk {
  readonly anchors: Map<string, Anchored>;
  readonly targets: Map<Alias, ParsedNode>;
  readonly spots: Spot[];
  readonly lineOf: (offset: number) => number;
  /** Where the walk is; copied only where something is wrong. */
  readonly path: (string | number)[];
  /** Values seen so far, those behind aliases counted at each use. */
  values: number;
  aliased: number;
}

interface Anchored {
  readonly node: ParsedNode;
  /** undefined while the node is being read: an alias in it would have no end. */
  value?: { readonly plain: unknown; readonly size: number };
}

/**
 * Turn the nodes of a document into plain values by the rules of YAML 1.2's core schema.
 *
 * Maps have no prototype. What an anchor names is one value wherever it is used.
 */
export function plainData(root: ParsedNode, text: string): PlainData {
  const place = lineFinder(text);
  const walk: Walk = {
    anchors: new Map(),
    targets: new Map(),
    spots: [],
    lineOf: (offset) => place(offset).line,
    path: [],
    values: 0,
    aliased: 0,
  };
  const data = plain(root, walk);
  return { data, spots: walk.spots, targets: walk.targets };
}

function plain(node: ParsedNode | null, walk: Walk): unknown {
  walk.values += 1;
  if (node === null) return null;
  if (isAlias(node)) return aliasValue(node, walk);
  if (!node.anchor) return ownValue(node, walk);

  const anchored: Anchored = { node };
  walk.anchors.set(node.anchor, anchored);
  const before = walk.values;
  const value = ownValue(node, walk);
  anchored.value = { plain: value, size: walk.values - before };
  return value;
}

function within(part: string | number, node: ParsedNode | null, walk: Walk): unknown {
  walk.path.push(part);
  const value = plain(node, walk);
  walk.path.pop();
  return value;
}

function ownValue(node: Exclude<ParsedNode, Alias>, walk: Walk): unknown {
  if (node.tag && !TAGS.has(node.tag)) {
    const tag = show(node.tag.replace("tag:yaml.org,2002:", "!!"));
    complain(walk, node, `the tag ${tag}`, "remove it: what a value is, its key decides");
  }
  if (isScalar(node)) return scalarValue(node);
  if (isSeq(node)) return node.items.map((item, index) => within(index, item, walk));
  return isMap(node) ? mapValue(node, walk) : null;
}

const TAGS: ReadonlySet<string> = new Set(["str", "map", "seq"].map((name) => `tag:yaml.org,2002:${name}`));

function mapValue(map: YAMLMap.Parsed, walk: Walk): Record<string, unknown> {
  const value: Record<string, unknown> = Object.create(null);
  const offsets = new Map<string, number>();
  for (const pair of map.items) {
    const key = keyText(pair.key, walk);
    const inner = key === undefined ? plain(pair.value, walk) : within(key, pair.value, walk);
    if (key === undefined) continue;

    const offset = offsetOf(pair.key);
    const first = offsets.get(key);
    if (first !== undefined) {
      const what = `duplicate key; the first is on line ${walk.lineOf(first)}`;
      complain(walk, pair.key, what, "keep one of them", [...walk.path, key]);
      continue;
    }
    offsets.set(key, offset);
    value[key] = inner;
  }
  return value;
}

/** A key is text, or it is at fault: YAML would read `1:` as a number and `no:` as text, and guessing helps nobody. */
function keyText(key: ParsedNode | null, walk: Walk): string | undefined {
  const node = key && isAlias(key) ? follow(key, walk) : key;
  if (!isScalar(node)) {
    complain(walk, key, "a key that is not text", "write a name as the key");
    return undefined;
  }
  if (node.anchor) walk.anchors.set(node.anchor, { node, value: { plain: scalarValue(node), size: 1 } });
  const value = scalarValue(node);
  if (typeof value !== "string") {
    const source = node.source ?? "";
    if (source === "") complain(walk, key, "an empty key", "write a name before the colon");
    else complain(walk, key, `the key ${show(source)} is not text`, `quote it: ${show(source)}`);
    return undefined;
  }
  if (value === "__proto__") {
    complain(walk, key, "`__proto__` cannot be a key", "choose another name");
    return undefined;
  }
  return value;
}

function scalarValue(scalar: Scalar): unknown {
  const text = String(scalar.value);
  if (scalar.type !== "PLAIN" || scalar.tag) return text;
  const word = WORDS.get(text);
  return word === undefined ? (readNumber(text) ?? text) : word;
}

const WORDS: ReadonlyMap<string, boolean | null> = new Map<string, boolean | null>([
  ...["", "~", "null", "Null", "NULL"].map((word): [string, null] => [word, null]),
  ...["true", "True", "TRUE"].map((word): [string, boolean] => [word, true]),
  ...["false", "False", "FALSE"].map((word): [string, boolean] => [word, false]),
]);

function aliasValue(alias: Alias.Parsed, walk: Walk): unknown {
  const anchored = walk.anchors.get(alias.source);
  if (!anchored) {
    complain(walk, alias, `no anchor ${show(alias.source)} stands before this alias`, "define it further up");
    return null;
  }
  if (!anchored.value) {
    complain(walk, alias, `the alias ${show(alias.source)} stands within its own anchor`, "write the value out");
    return null;
  }
  const { plain: value, size } = anchored.value;
  if (walk.aliased <= MOST_ALIASED && walk.aliased + size > MOST_ALIASED) {
    const what = `aliases stand for more than ${MOST_ALIASED} values`;
    complain(walk, alias, what, "write the values out, or use fewer aliases");
  }
  walk.aliased += size;
  walk.values += size;
  if (walk.aliased > MOST_ALIASED) return null;
  walk.targets.set(alias, anchored.node);
  return value;
}

function follow(alias: Alias.Parsed, walk: Walk): ParsedNode | undefined {
  return walk.anchors.get(alias.source)?.node;
}

function complain(
  walk: Walk,
  node: ParsedNode | null,
  what: string,
  remedy: string,
  path: Path = [...walk.path],
): void {
  walk.spots.push({ offset: offsetOf(node), path, what, remedy });
}

function offsetOf(node: ParsedNode | null): number {
  return node?.range[0] ?? 0;
}
