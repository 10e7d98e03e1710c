import { describeJudged } from "../redis/describe-with.js";
import { missing } from "./at-hand.js";

/**
 * Describe a suite that renders or checks what is in deploy/.
 *
 * Where the programs for it are missing, it is skipped under a name that says so; with CI=true it fails instead.
 */
export function describeDeploy(name: string, suite: () => void): void {
  const because = missing();
  if (because === undefined) describeJudged({ kind: "run" }, name, suite);
  else describeJudged({ kind: process.env["CI"] === "true" ? "fail" : "skip", because }, name, suite);
}
