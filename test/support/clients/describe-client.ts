import { describeJudged } from "../redis/describe-with.js";
import type { Verdict } from "../redis/servers-at-hand.js";
import { type Language, lacking } from "./tools.js";

/**
 * Describe the suite of a language's client.
 *
 * Where its tools are missing, the suite is skipped under a name that says what is missing and how to get it; with
 * CI=true Python's missing packages fail instead. Java's, which Maven builds at length, runs in long runs alone.
 */
export function describeClient(language: Language, name: string, suite: () => void): void {
  describeJudged(judge(language), name, suite);
}

function judge(language: Language): Verdict {
  if (language === "java" && process.env["WINDBREAK_LONG_TESTS"] !== "1") {
    return { kind: "skip", because: "it is built at length: npm run test:all." };
  }
  const because = lacking(language);
  if (because === undefined) return { kind: "run" };
  return { kind: language === "python" && process.env["CI"] === "true" ? "fail" : "skip", because };
}
