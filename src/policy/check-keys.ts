import { NAME, NAME_RULE } from "../domain/names.js";
import { oneOf } from "./check-identity.js";
import type { Path, Problem } from "./faults.js";
import { didYouMean, type Suggest } from "./nearest.js";
import { at, entriesAt, textAt } from "./raw.js";
import { show } from "./show.js";
import { SINK_KINDS } from "./sink-schema.js";

const SECRET_KEYS = ["file", "env"];

/**
 * Check what hangs together in a keys file.
 *
 * @param workspaces those of the policy; undefined: no policy is at hand.
 */
export function checkKeys(
  raw: unknown,
  suggest: Suggest,
  workspaces: ReadonlySet<string> | undefined,
): readonly Problem[] {
  const asksForOwner = (textAt(raw, "mistral", "dialect") ?? "admin") === "admin";
  const holders = new Map<string, string>();
  return [
    ...oneOf(at(raw, "mistral", "key"), SECRET_KEYS, ["mistral", "key"], "keep one of the two"),
    ...entriesAt(raw, "upstream").flatMap(([name, entry]) => {
      const path = ["upstream", name];
      return [
        ...checkName(name, path, suggest, workspaces),
        ...(asksForOwner ? checkOwner(entry, path) : []),
        ...checkSink(at(entry, "sink"), [...path, "sink"]),
        ...sharedSink(at(entry, "sink"), [...path, "sink"], name, holders),
      ];
    }),
  ];
}

function checkName(
  name: string,
  path: Path,
  suggest: Suggest,
  workspaces: ReadonlySet<string> | undefined,
): readonly Problem[] {
  if (!NAME.test(name)) {
    return [{ path, at: "key", what: `${show(name)} cannot be the name of a workspace`, remedy: `use ${NAME_RULE}` }];
  }
  if (!workspaces || workspaces.has(name)) return [];
  const remedy = () => didYouMean(suggest(name, workspaces), "define it in the policy, or take it out here");
  return [{ path, at: "key", what: `the policy has no workspace ${show(name)}`, remedy }];
}

function checkOwner(entry: unknown, path: Path): readonly Problem[] {
  if (at(entry, "workspace") === undefined || at(entry, "owner") !== undefined) return [];
  const remedy = "add Mistral's id of the user whose key it is: the dialect admin makes keys for one";
  return [{ path: [...path, "owner"], at: "key", what: "missing", remedy }];
}

function checkSink(sink: unknown, path: Path): readonly Problem[] {
  const kinds = oneOf(sink, SINK_KINDS, path, "keep one of them");
  const vault = at(sink, "vault", "token");
  const token = oneOf(vault, SECRET_KEYS, [...path, "vault", "token"], "keep one of the two");
  const isModeAlone = at(sink, "mode") !== undefined && at(sink, "file") === undefined;
  const mode: Problem = { path: [...path, "mode"], at: "key", what: "mode without file", remedy: "remove it" };
  return [...kinds, ...token, ...(isModeAlone ? [mode] : [])];
}

/** The key of one workspace would take the place of the other's. */
function sharedSink(sink: unknown, path: Path, name: string, holders: Map<string, string>): readonly Problem[] {
  const place = placeOf(sink);
  if (place === undefined) return [];
  const holder = holders.get(place);
  holders.set(place, holder ?? name);
  if (holder === undefined) return [];
  return [{ path, at: "value", what: `upstream.${holder} is put there too`, remedy: "give each a place of its own" }];
}

function placeOf(sink: unknown): string | undefined {
  const file = textAt(sink, "file");
  if (file !== undefined) return `file ${file}`;
  for (const [kind, keys] of PLACES) {
    if (at(sink, kind) !== undefined) return `${kind} ${keys.map((key) => textAt(sink, kind, key) ?? "").join(" ")}`;
  }
  return undefined;
}

/** Two commands alike may still put keys in two places. */
const PLACES: readonly (readonly [string, readonly string[]])[] = [
  ["kubernetes", ["api_url", "namespace", "secret", "key"]],
  ["vault", ["url", "mount", "path", "field"]],
];
