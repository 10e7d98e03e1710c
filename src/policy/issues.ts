import type { z } from "zod";
import { LIMIT_KEYS } from "../domain/limit.js";
import type { Path, Problem } from "./faults.js";
import { readMessage } from "./fields.js";
import { didYouMean, type Suggest } from "./nearest.js";

type Issue = z.core.$ZodIssue;

/** Turn what the schema found into problems, one for each unknown key and each wrong value. */
export function problemsOf(issues: readonly Issue[], suggest: Suggest): readonly Problem[] {
  return issues.flatMap((issue) => problemsOfIssue(issue, [], suggest));
}

function problemsOfIssue(issue: Issue, above: Path, suggest: Suggest): readonly Problem[] {
  const path = [...above, ...issue.path.map((part) => (typeof part === "number" ? part : String(part)))];
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(path, key, issue.message, suggest));
  if (issue.code === "invalid_union") {
    const meant = branchMeant(issue.errors);
    if (meant) return meant.flatMap((inner) => problemsOfIssue(inner, path, suggest));
  }
  return [{ path, at: "value", ...readMessage(issue.message) }];
}

/** The branch of a union whose type fits, so that what is wrong lies within; undefined where none fits. */
function branchMeant(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  return branches.find((issues) => !issues.some(({ code, path }) => code === "invalid_type" && path.length === 0));
}

/** @param known the keys that may stand there, parted by spaces. */
function unknownKey(path: Path, key: string, known: string, suggest: Suggest): Problem {
  const remedy = () => {
    const keys = known.split(" ");
    return RULES[key]?.(path) ?? didYouMean(suggest(key, keys), listed(path, keys));
  };
  return { path: [...path, key], at: "key", what: "unknown key", remedy };
}

/** Keys that people write in places where they do not belong, and why they do not. */
const RULES: Readonly<Partial<Record<string, (path: Path) => string | undefined>>> = Object.assign(
  Object.create(null),
  {
    "<<": () => "YAML 1.2 has no merge key; write the keys out, or use an alias for the whole value",
    shared_by: (path: Path) => (inLimits(path) ? "only a role's limits can be shared; remove it" : undefined),
    status: (path: Path) =>
      inLimits(path)
        ? "only token and usd budgets choose their status: tokens in an hour or longer, usd but _per_request"
        : undefined,
    requests_per_request: (path: Path) =>
      path.at(-1) === "limits"
        ? "it would always be 1; did you mean requests_per_minute or tokens_per_request?"
        : undefined,
  },
);

function inLimits(path: Path): boolean {
  return path.at(-2) === "limits";
}

function listed(path: Path, keys: readonly string[]): string {
  if (path.at(-1) === "limits") {
    return `write METRIC_per_WINDOW such as tokens_per_day or usd_per_month, or concurrent_requests (${LIMIT_KEYS.size} keys in all)`;
  }
  return `remove it; the keys here are ${keys.join(", ")}`;
}
