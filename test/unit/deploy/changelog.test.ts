import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { VERSION } from "../../../src/version.js";

const ROOT = join(import.meta.dirname, "../../..");
const KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const heads = read("CHANGELOG.md").match(/^## .*$/gm) ?? [];

/** A repository that holds what a release touches. */
function repository(changelog: string) {
  const folder = mkdtempSync(join(tmpdir(), "release-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  cpSync(join(ROOT, "deploy/release"), join(folder, "deploy/release"), { recursive: true });
  const { scripts } = JSON.parse(read("package.json"));
  const manifest = { name: "windbreak", version: "1.2.3", scripts: { version: scripts.version } };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(folder, "CHANGELOG.md"), changelog);
  const identity = {
    GIT_AUTHOR_NAME: "a",
    GIT_AUTHOR_EMAIL: "a@b",
    GIT_COMMITTER_NAME: "a",
    GIT_COMMITTER_EMAIL: "a@b",
  };
  const env = { ...process.env, ...identity };
  const run = (program: string, ...args: readonly string[]) =>
    execFileSync(program, args, { cwd: folder, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  run("git", "init", "--quiet");
  run("git", "add", "--all");
  run("git", "commit", "--quiet", "--message", "Begin");
  return { run, changelog: () => readFileSync(join(folder, "CHANGELOG.md"), "utf8") };
}

describe("the changelog", () => {
  it("names this version, or says that it is not released", () => {
    expect(VERSION).toMatch(/^\d+\.\d+\.\d+$/);
    expect(JSON.parse(read("package-lock.json")).version).toBe(VERSION);
    expect(heads.some((head) => head === "## Unreleased" || head.startsWith(`## ${VERSION} - `))).toBe(true);
  });

  it("has what is unreleased first, then versions with their days, newest first", () => {
    const released = heads[0] === "## Unreleased" ? heads.slice(1) : heads;
    for (const head of released) expect(head).toMatch(/^## \d+\.\d+\.\d+ - \d{4}-\d{2}-\d{2}$/);
    const rank = (head: string) =>
      (head.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, part) => sum * 1e4 + Number(part), 0);
    expect(released).toEqual([...released].sort((a, b) => rank(b) - rank(a)));
  });

  it("sorts changes into the kinds that Keep a Changelog knows", () => {
    const kinds = (read("CHANGELOG.md").match(/^### .*$/gm) ?? []).map((head) => head.slice(4));
    expect(kinds.filter((kind) => !KINDS.includes(kind))).toEqual([]);
  });
});

describe("a release by npm version", () => {
  it("gives what was unreleased to the version, and commits and tags both", () => {
    const { run, changelog } = repository("# Changelog\n\n## Unreleased\n\n### Added\n\n- A thing.\n");
    run("npm", "version", "minor", "--message", "Release %s");
    const day = new Date().toISOString().slice(0, 10);
    expect(changelog()).toBe(`# Changelog\n\n## Unreleased\n\n## 1.3.0 - ${day}\n\n### Added\n\n- A thing.\n`);
    expect(run("git", "tag", "--points-at", "HEAD")).toBe("v1.3.0\n");
    expect(run("git", "log", "-1", "--format=%s")).toBe("Release 1.3.0\n");
    expect(run("git", "status", "--porcelain")).toBe("");
  });

  it("is refused where nothing is unreleased", () => {
    const { run } = repository("# Changelog\n\n## Unreleased\n\n## 1.2.3 - 2026-01-01\n\n### Added\n\n- A thing.\n");
    expect(() => run("npm", "version", "minor")).toThrow("nothing is unreleased");
    expect(run("git", "tag")).toBe("");
  });
});
