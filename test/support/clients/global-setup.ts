import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { lacking } from "./tools.js";

const INSTALL = join(import.meta.dirname, "../../../.ci/install-clients");

/**
 * Before the first test: take the Python client's packages from PyPI where they are missing; say what is missing where
 * they cannot be had, or where there is no Go. Never throws for it: the suites that need them are skipped, or fail.
 */
export default function setup(): void {
  if (lacking("python") !== undefined) {
    const { status, error } = spawnSync("bash", [INSTALL], { stdio: "inherit" });
    if (error) console.error(`${INSTALL} could not be run: ${error.message}`);
    else if (status !== 0) console.error(`${INSTALL} ended with ${status}`);
  }
  for (const language of ["python", "go"] as const) {
    const sentence = lacking(language);
    if (sentence !== undefined) console.error(sentence);
  }
}
