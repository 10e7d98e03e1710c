import { existsSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { anchorsOf, linksIn, pageNames, ROOT, readPage } from "./markdown.js";

/** What is wrong with a link of a page; undefined where it leads somewhere. What is elsewhere is not asked. */
function faultOf(page: string, target: string): string | undefined {
  if (/^(https?|mailto):/.test(target)) return undefined;
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? page : normalize(join(dirname(page), path));
  if (file.startsWith("..") || !existsSync(join(ROOT, file))) return `no file ${file}`;
  if (anchor === undefined) return undefined;
  if (!file.endsWith(".md") || statSync(join(ROOT, file)).isDirectory()) return `${file} has no anchors`;
  return anchorsOf(readPage(file)).has(anchor) ? undefined : `${file} has no heading for #${anchor}`;
}

describe("links in the docs", () => {
  it.each(pageNames())("%s leads to files and headings that there are", (name) => {
    const faults = readPage(name).prose.flatMap(({ line, text }) =>
      linksIn(text).flatMap((target) => {
        const fault = faultOf(name, target);
        return fault === undefined ? [] : [`${name}:${line}: ${target}: ${fault}; mend the link`];
      }),
    );
    expect(faults.join("\n")).toBe("");
  });

  it("lead from the README to every page", () => {
    const reached = new Set(["README.md"]);
    for (const page of reached) {
      for (const target of readPage(page).prose.flatMap(({ text }) => linksIn(text))) {
        const file = normalize(join(dirname(page), target.split("#")[0] || "."));
        if (file.endsWith(".md") && !/^https?:/.test(target)) reached.add(file);
      }
    }
    const apart = pageNames().filter((name) => !reached.has(name));
    expect(apart.map((name) => `no page leads to ${name}; link it from the README's table`)).toEqual([]);
  });
});
