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
    .filter((block) => ELSEWHERE.has(block.language) && markOf(block).kind === "run");
  // Beside the packages, so that imports find them.
  const cache = join(ROOT, "node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, "docs-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const files = blocks.map(({ at, text }, index) => {
    const file = `${index}-${at.replaceAll(/\W+/g, "-")}.mts`;
    writeFileSync(join(directory, file), `${text}\nexport {};\n`);
    return file;
  });
  writeFileSync(
    join(directory, "tsconfig.json"),
    JSON.stringify({ extends: join(ROOT, "tsconfig.json"), files, include: [] }),
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
