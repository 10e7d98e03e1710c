import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "./markdown.js";

it.each([
  ["README.md", "What it costs"],
  ["docs/architecture.md", "What is on the hot path"],
])("figures in %s are those of docs/performance.md", (page, heading) => {
  const measured = new Set(numbersIn(readFileSync(join(ROOT, "docs/performance.md"), "utf8")));
  const [, rest = ""] = readFileSync(join(ROOT, page), "utf8").split(`## ${heading}\n`);
  const shown = numbersIn(rest.split("\n## ")[0] ?? "");
  expect(shown.length).toBeGreaterThan(1);
  // The bench writes that page anew: take its figures over.
  expect(shown.filter((number) => !measured.has(number))).toEqual([]);
});

function numbersIn(text: string): readonly string[] {
  return text.match(/\d[\d,]*(\.\d+)?/g) ?? [];
}
