import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** The repository. */
export const ROOT = join(import.meta.dirname, "../../..");
const CLIENTS = join(ROOT, "test/clients");
const CACHE = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "windbreak-tests");

/** A language whose client is built and run. */
export type Language = "python" | "go" | "java";

/** Where a language's client stands. */
export function homeOf(language: Language): string {
  return join(CLIENTS, language);
}

/** Where the Python is that has the client's packages; another one for other versions of them. */
export function pythonHome(): string {
  const requirements = readFileSync(join(homeOf("python"), "requirements.txt"));
  return join(CACHE, `clients-python-${createHash("sha256").update(requirements).digest("hex").slice(0, 12)}`);
}

/** What a language's client lacks here, and how to get it: one sentence; undefined where nothing is missing. */
export function lacking(language: Language): string | undefined {
  switch (language) {
    case "python":
      // Written by the installation as its last act.
      if (existsSync(join(pythonHome(), "complete"))) return undefined;
      return "The Python client's packages are missing: run .ci/install-clients, which takes them from PyPI.";
    case "go":
      if (hasGo()) return undefined;
      return "Go is missing or older than test/clients/go/go.mod asks for: install that version, from https://go.dev/dl.";
    case "java": {
      const missing = ["javac", "mvn"].filter((program) => !isOnPath(program));
      if (missing.length === 0) return undefined;
      return `${missing.join(" and ")} missing: on Debian, apt-get install maven openjdk-17-jdk-headless.`;
    }
  }
}

/** In the client's folder, since Go may fetch the version that is asked for there. */
function hasGo(): boolean {
  if (!isOnPath("go")) return false;
  const asked = /^go (\d+)\.(\d+)/m.exec(readFileSync(join(homeOf("go"), "go.mod"), "utf8"));
  const { stdout } = spawnSync("go", ["env", "GOVERSION"], { cwd: homeOf("go"), encoding: "utf8" });
  const has = /^go(\d+)\.(\d+)/.exec(stdout);
  if (!asked || !has) return false;
  return Number(has[1]) > Number(asked[1]) || (has[1] === asked[1] && Number(has[2]) >= Number(asked[2]));
}

function isOnPath(program: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((room) => room !== "" && existsSync(join(room, program)));
}
