import { globMatches } from "../domain/glob.js";
import { LIMIT_KEYS } from "../domain/limit.js";
import { oneOf } from "./check-identity.js";
import type { Path, Problem } from "./faults.js";
import { didYouMean, type Suggest } from "./nearest.js";
import { at, entriesAt, itemsAt, textAt } from "./raw.js";
import { show } from "./show.js";

/** Check that alerts speak of limits and targets that exist, and that every secret has one place. */
export function checkAlerts(raw: unknown, suggest: Suggest): readonly Problem[] {
  const alerts = itemsAt(raw, "alerts");
  if (alerts.length === 0) return checkSecrets(raw);

  const limits = limitNames(raw);
  const targets = new Set(entriesAt(raw, "notify").map(([name]) => name));
  const problems = alerts.flatMap((alert, index) => [
    ...checkPatterns(alert, ["alerts", index, "limits"], limits, suggest),
    ...checkTarget(textAt(alert, "notify"), ["alerts", index, "notify"], targets, suggest),
  ]);
  return [...problems, ...checkSecrets(raw)];
}

function checkPatterns(alert: unknown, path: Path, limits: ReadonlySet<string>, suggest: Suggest): readonly Problem[] {
  const single = textAt(alert, "limits");
  const patterns = single === undefined ? itemsAt(alert, "limits") : [single];
  return patterns.flatMap((pattern, index): readonly Problem[] => {
    if (typeof pattern !== "string" || matchesAny(pattern, limits)) return [];
    const what = `no limit of this file matches ${show(pattern)}`;
    const remedy = () => didYouMean(suggest(pattern, limits), 'write a pattern such as "*.usd_per_month"');
    return [{ path: single === undefined ? [...path, index] : path, at: "value", what, remedy }];
  });
}

function matchesAny(pattern: string, limits: ReadonlySet<string>): boolean {
  if (!pattern.includes("*")) return limits.has(pattern);
  for (const name of limits) if (globMatches(pattern, name)) return true;
  return false;
}

function checkTarget(
  target: string | undefined,
  path: Path,
  targets: ReadonlySet<string>,
  suggest: Suggest,
): readonly Problem[] {
  if (target === undefined || targets.has(target)) return [];
  const remedy = () => didYouMean(suggest(target, targets), "define it under notify");
  return [{ path, at: "value", what: `unknown target ${show(target)}`, remedy }];
}

function limitNames(raw: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  const add = (prefix: string, limits: unknown) => {
    for (const [key] of entriesAt(limits)) if (LIMIT_KEYS.has(key)) names.add(`${prefix}.${key}`);
  };
  add("organization", at(raw, "limits"));
  for (const section of ["workspaces", "roles", "principals"]) {
    for (const [name, ruled] of entriesAt(raw, section)) add(`${section}.${name}`, at(ruled, "limits"));
  }
  return names;
}

function checkSecrets(raw: unknown): readonly Problem[] {
  const keys = ["file", "env"];
  const remedy = "keep one of the two";
  return [
    ...entriesAt(raw, "workspaces").flatMap(([name, workspace]) =>
      oneOf(at(workspace, "upstream_key"), keys, ["workspaces", name, "upstream_key"], remedy),
    ),
    ...entriesAt(raw, "notify").flatMap(([name, target]) =>
      oneOf(at(target, "secret"), keys, ["notify", name, "secret"], remedy),
    ),
  ];
}
