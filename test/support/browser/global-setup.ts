import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { missingBrowser } from "./at-hand.js";

const INSTALL = join(import.meta.dirname, "../../../.ci/install-chromium");

/** Before the first test: install Chromium where it is missing. Never throws for it: suites say what they lack. */
export default function setup(): void {
  if (missingBrowser() === undefined) return;
  const { status, error } = spawnSync("bash", [INSTALL], { stdio: "inherit" });
  if (error) console.error(`${INSTALL} could not be run: ${error.message}`);
  else if (status !== 0) console.error(`${INSTALL} ended with ${status}`);
}
