import { describe, it } from "vitest";
import { type Binary, judge, serversAtHand, type Verdict } from "./servers-at-hand.js";

/**
 * Describe a suite that needs real servers.
 *
 * Where one is missing, the suite is skipped under a name that says what is missing and how to install it; with
 * CI=true a missing Redis fails instead.
 */
export function describeWith(needs: readonly Binary[], name: string, suite: () => void): void {
  describeJudged(judge(needs, serversAtHand(), process.env["CI"] === "true"), name, suite);
}

/** Describe a suite as was judged: it runs, or says by its name what it lacks, or fails by that. */
export function describeJudged(verdict: Verdict, name: string, suite: () => void): void {
  if (verdict.kind === "run") {
    describe(name, suite);
    return;
  }
  const { because } = verdict;
  if (verdict.kind === "skip") {
    describe.skip(`${name} (skipped: ${because})`, suite);
    return;
  }
  describe(name, () => {
    it("has the servers that it needs", () => {
      throw new Error(because);
    });
  });
}
