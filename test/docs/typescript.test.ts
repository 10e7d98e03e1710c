import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { ELSEWHERE } from "./judge.js";
import { pageNames, ROOT, readPage } from "./markdown.js";
import { markOf } from "./marks.js";

const DEADLINE_MS = 60_000;

it("TypeScript in the docs type-checks, as a program of its own in each block", { timeout: DEADLINE_MS }, async () => {
  const blocks = pageNames()
    .flatMap((name) => readPage(name).blocks)
    .filter(({ language }) => ELSEWHERE.has(language));
  // In the repository, so that imports find the packages, and the one that this is.
  const build = join(ROOT, "build");
  mkdirSync(build, { recursive: true });
  const directory = mkdtempSync(join(build, "docs-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const files = blocks.flatMap((block, index) => {
    const marked = markOf(block);
    if (marked.kind !== "run") return [];
    const file = `${index}-${block.at.replaceAll(/\W+/g, "-")}.mts`;
    writeFileSync(join(directory, file), `${marked.given ?? ""}\n${block.text}\nexport {};\n`);
    return [file];
  });
  // As strict as most readers are.
  const compilerOptions = { noPropertyAccessFromIndexSignature: false, exactOptionalPropertyTypes: false };
  writeFileSync(
    join(directory, "tsconfig.json"),
    JSON.stringify({ extends: join(ROOT, "tsconfig.json"), compilerOptions, files, include: [] }),
  );
  expect(await said(directory)).toBe("");
});

/** What the compiler has against a project. */
function said(project: string): Promise<string> {
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  return new Promise((resolve) => {
    execFile(process.execPath, [tsc, "-p", project], { timeout: DEADLINE_MS }, (_, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });
}
