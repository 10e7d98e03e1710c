import { describeJudged } from "../redis/describe-with.js";
import type { Verdict } from "../redis/servers-at-hand.js";
import { ENVOY_VERSIONS, missing, type Tool } from "./at-hand.js";

/**
 * Describe a suite once for each version of Envoy.
 *
 * Where something is missing, the suite is skipped under a name that says so; with CI=true it fails instead.
 */
export function describeEnvoy(name: string, suite: (version: string) => void, besides: readonly Tool[] = []): void {
  for (const version of ENVOY_VERSIONS) {
    describeJudged(judge([{ kind: "envoy", version }, ...besides]), `${name}, Envoy ${version}`, () => suite(version));
  }
}

/** Describe a suite that needs programs from PyPI. */
export function describeWithTools(needs: readonly Tool[], name: string, suite: () => void): void {
  describeJudged(judge(needs), name, suite);
}

function judge(needs: readonly Tool[]): Verdict {
  const because = needs.flatMap((tool) => missing(tool) ?? []).join(" ");
  if (because === "") return { kind: "run" };
  return { kind: process.env["CI"] === "true" ? "fail" : "skip", because };
}
