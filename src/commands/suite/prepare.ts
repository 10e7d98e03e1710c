import type { Limit } from "../../domain/limit.js";
import type { Policy } from "../../domain/policy.js";
import type { EpochMs } from "../../domain/units.js";
import type { Path, Problem } from "../../policy/faults.js";
import { didYouMean, type Suggest, suggester } from "../../policy/nearest.js";
import { show } from "../../policy/show.js";
import type { Expectation, SuiteCase, SuiteFile, SuiteRequest, SuiteStep } from "../../policy/suite-schema.js";
import { type Seed, seedOf } from "./given.js";
import { amountIn, amountRemedy, limitsIn } from "./limits-in.js";
import { SuiteStage } from "./stage.js";

/** A case whose every name means something under its policy. */
export interface PreparedCase {
  readonly name: string;
  readonly path: Path;
  readonly at: EpochMs;
  readonly seeds: readonly Seed[];
  readonly steps: readonly SuiteStep[];
  /** Whether it was written as steps: then they are told apart by number. */
  readonly isSteps: boolean;
}

/** The cases of a suite, and what is wrong with them under its policy. */
export interface Prepared {
  readonly cases: readonly PreparedCase[];
  readonly problems: readonly Problem[];
}

/** Make cases ready to be run: requests completed by the defaults, counters found. */
export function prepareSuite(suite: SuiteFile, policy: Policy): Prepared {
  const limits = limitsIn(policy);
  const suggest = suggester();
  const problems: Problem[] = [];
  // Who asks depends on the policy alone.
  const stage = new SuiteStage(policy, suite.at);
  const cases = suite.cases.map((one, index) => {
    const path: Path = ["cases", index];
    const at = one.at ?? suite.at;
    const steps = stepsOf(one, suite.defaults?.request ?? {});
    for (const [step, { expect }] of steps.entries()) {
      const place = [...path, ...(one.steps ? ["steps", step] : []), "expect"];
      if (expect) problems.push(...problemsIn(expect, place, limits, suggest));
    }
    const first = steps.find(({ request }) => request)?.request ?? {};
    const seeds: Seed[] = [];
    for (const [name, said] of Object.entries(one.given ?? {})) {
      const limit = limits.get(name);
      const place = [...path, "given", name];
      const seed = limit
        ? seedOf({ path: place, said, limit, stage, first })
        : unknown(place, "key", name, limits, suggest);
      if ("counter" in seed) seeds.push(seed);
      else problems.push(seed);
    }
    return { name: one.name, path, at, seeds, steps, isSteps: one.steps !== undefined };
  });
  return { cases, problems };
}

function stepsOf({ request, expect, steps }: SuiteCase, defaults: SuiteRequest): readonly SuiteStep[] {
  const written = steps ?? [{ request, expect }];
  return written.map((step) => (step.request ? { ...step, request: { ...defaults, ...step.request } } : step));
}

function problemsIn(
  expect: Expectation,
  path: Path,
  limits: ReadonlyMap<string, Limit>,
  suggest: Suggest,
): readonly Problem[] {
  const named: readonly (readonly [Path, string])[] = [
    ...(expect.limit === undefined ? [] : [[[...path, "limit"], expect.limit] as const]),
    ...(["limits", "shadow_denials"] as const).flatMap((key) =>
      (expect[key] ?? []).map((name, index) => [[...path, key, index], name] as const),
    ),
  ];
  const unknownNames = named
    .filter(([, name]) => !limits.has(name))
    .map(([place, name]) => unknown(place, "value", name, limits, suggest));
  const remaining = Object.entries(expect.remaining ?? {}).flatMap(([name, units]): readonly Problem[] => {
    const place = [...path, "remaining", name];
    const limit = limits.get(name);
    if (!limit) return [unknown(place, "key", name, limits, suggest)];
    if (amountIn(limit, units) !== undefined) return [];
    return [{ path: place, at: "value", what: "no number that this limit can count", remedy: amountRemedy(limit) }];
  });
  return [...unknownNames, ...remaining];
}

function unknown(
  path: Path,
  at: Problem["at"],
  name: string,
  limits: ReadonlyMap<string, Limit>,
  suggest: Suggest,
): Problem {
  const [example] = limits.keys();
  const otherwise = example === undefined ? "it has none at all" : `write the name of one, such as ${example}`;
  const remedy = () => didYouMean(suggest(name, limits.keys()), otherwise);
  return { path, at, what: `the policy has no limit ${show(name)}`, remedy };
}
