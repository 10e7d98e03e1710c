import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { describeJudged } from "../redis/describe-with.js";
import { chromiumPath, missingBrowser } from "./at-hand.js";

/**
 * Describe a suite that needs a real browser, which it shares.
 *
 * Where there is none, the suite is skipped under a name that says so; with CI=true it fails instead.
 */
export function describeInBrowser(name: string, suite: (browser: () => Browser) => void): void {
  const because = missingBrowser();
  const lacking = process.env["CI"] === "true" ? "fail" : "skip";
  describeJudged(because === undefined ? { kind: "run" } : { kind: lacking, because }, name, () => {
    let browser: Browser | undefined;
    beforeAll(async () => {
      const executablePath = chromiumPath();
      if (executablePath === undefined) throw new Error("Chromium has gone");
      // Its sandbox cannot be had in most containers; it sees this service's own page only.
      browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
    });
    afterAll(async () => browser?.close());
    suite(() => {
      if (!browser) throw new Error("the browser has not started");
      return browser;
    });
  });
}
