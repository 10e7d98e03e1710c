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

/** Where the image of this version is asked for, and how. */
const NAMED: readonly (readonly [string, RegExp])[] = [
  ["deploy/compose/compose.yaml", /windbreak:([\d.]+)/g],
  ["deploy/helm/windbreak/Chart.yaml", /^(?:appV|v)ersion: (.+)$/gm],
  ["deploy/kubernetes/overlays/shared/kustomization.yaml", /newTag: ([\d.]+)/g],
  ["deploy/kubernetes/overlays/sidecar-envoy/kustomization.yaml", /newTag: ([\d.]+)/g],
  ["deploy/kubernetes/overlays/sidecar/kustomization.yaml", /newTag: ([\d.]+)/g],
  ["docs/compose.md", /windbreak:([\d.]+\d)/g],
  ["docs/image.md", /windbreak:([\d.]+\d)/g],
  ["docs/kubernetes.md", /newTag: ([\d.]+)/g],
];
const versionsIn = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, version]) => version);

/** A repository that holds what a release touches, at this version. */
function repository(changelog: string) {
  const folder = mkdtempSync(join(tmpdir(), "release-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const path of ["deploy/release", ...NAMED.map(([file]) => file)]) {
    cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  }
  const { scripts } = JSON.parse(read("package.json"));
  const manifest = { name: "windbreak", version: VERSION, scripts: { version: scripts.version } };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(folder, "CHANGELOG.md"), changelog);
  const by = { GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@b", GIT_COMMITTER_NAME: "a", GIT_COMMITTER_EMAIL: "a@b" };
  const run = (program: string, ...args: readonly string[]) =>
    execFileSync(program, args, {
      ...{ cwd: folder, env: { ...process.env, ...by } },
      ...{ encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
    });
  run("git", "init", "--quiet");
  run("git", "add", "--all");
  run("git", "commit", "--quiet", "--message", "Begin");
  return { run, read: (path: string) => readFileSync(join(folder, path), "utf8") };
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

describe("a version", () => {
  it.each(NAMED)("is this one in %s", (file, pattern) => {
    const found = versionsIn(read(file), pattern);
    expect(found.length).toBeGreaterThan(0);
    expect(new Set(found)).toEqual(new Set([VERSION]));
  });
});

describe("a release by npm version", () => {
  it("gives what was unreleased to the version, which is named wherever the last one was, and commits and tags it", () => {
    const { run, read: readThere } = repository("# Changelog\n\n## Unreleased\n\n### Added\n\n- A thing.\n");
    run("npm", "version", "7.8.9", "--message", "Release %s");
    const day = new Date().toISOString().slice(0, 10);
    expect(readThere("CHANGELOG.md")).toBe(
      `# Changelog\n\n## Unreleased\n\n## 7.8.9 - ${day}\n\n### Added\n\n- A thing.\n`,
    );
    for (const [file, pattern] of NAMED) {
      expect([file, ...new Set(versionsIn(readThere(file), pattern))]).toEqual([file, "7.8.9"]);
    }
    expect(run("git", "tag", "--points-at", "HEAD")).toBe("v7.8.9\n");
    expect(run("git", "log", "-1", "--format=%s")).toBe("Release 7.8.9\n");
    expect(run("git", "status", "--porcelain")).toBe("");
  });

  it("is refused where nothing is unreleased", () => {
    const { run } = repository("# Changelog\n\n## Unreleased\n\n## 0.0.1 - 2026-01-01\n\n### Added\n\n- A thing.\n");
    expect(() => run("npm", "version", "7.8.9")).toThrow("nothing is unreleased");
    expect(run("git", "tag")).toBe("");
  });
});
