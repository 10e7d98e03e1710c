import { describe, it } from "vitest";
import { type Binary, judge, serversAtHand } from "./servers-at-hand.js";

/**
 * Describe a suite that needs real servers.
 *
 * Where one is missing, the suite is skipped under a name that says what is missing and how to install it; with
 * CI=true a missing Redis fails instead.
 */
export function describeWith(needs: readonly Binary[], name: string, suite: () => void): void {
  const verdict = judge(needs, serversAtHand(), process.env["CI"] === "true");
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
