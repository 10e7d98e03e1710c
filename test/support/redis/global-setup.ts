import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { serversAtHand } from "./servers-at-hand.js";

const INSTALL = join(import.meta.dirname, "../../../.ci/install-servers");
const NEEDED = ["redis-server", "redis-cli", "redis-sentinel"] as const;

/**
 * Before the first test: install Redis where it is missing and this process may, as root on Debian; say what is
 * missing where it may not. Never throws for a missing server: the suites that need it are skipped, or fail in CI.
 */
export default function setup(): void {
  const isMissing = () => !serversAtHand().found.has("redis-server");
  if (isMissing() && process.getuid?.() === 0 && existsSync("/etc/debian_version")) {
    const { status, error } = spawnSync("bash", [INSTALL], { stdio: "inherit" });
    if (error) console.error(`${INSTALL} could not be run: ${error.message}`);
    else if (status !== 0) console.error(`${INSTALL} ended with ${status}`);
  }
  const { missing } = serversAtHand();
  for (const binary of NEEDED) {
    const sentence = missing.get(binary);
    if (sentence !== undefined) console.error(sentence);
  }
}
