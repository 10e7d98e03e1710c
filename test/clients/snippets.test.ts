import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

/** Blocks of code under a line that names their file: `<!-- test/clients/go/main.go -->`. */
const SNIPPET = /^<!-- (\S+) -->\n```\w+\n(.*?)^```$/gms;

const snippets = [...readFileSync(join(ROOT, "docs/clients.md"), "utf8").matchAll(SNIPPET)].map(
  ([, file = "", code = ""]) => ({ file, code }),
);

describe("what docs/clients.md shows", () => {
  it("is code of every language", () => {
    const endings = snippets.map(({ file }) => file.split(".").at(-1));
    expect(new Set(endings)).toEqual(new Set(["py", "go", "java"]));
  });

  it.each(snippets)("stands in $file", ({ file, code }) => {
    expect(unindented(readFileSync(join(ROOT, file), "utf8"))).toContain(unindented(code));
  });
});

/** Each line without its indentation: a page shows a part without what stands around it. */
function unindented(code: string): string {
  return code
    .split("\n")
    .map((line) => line.trimStart())
    .join("\n");
}
