import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { createProgram } from "../../src/commands/program.js";
import { SERIES, sources } from "./known.js";
import { codeIn, pageNames, ROOT, readPage } from "./markdown.js";

/** Variables that others gave, and that none of our files need say. */
const OF_OTHERS = /^(OTEL|LC|AWS|NODE)_/;
/** Flags of the bench and of Node that pages name in prose. */
const FLAGS_OF_OTHERS = new Set([
  ...[
    "--quick",
    "--only",
    "--rounds",
    "--peers",
    "--json",
    "--docs",
    "--node-flags",
    "--against",
    "--seconds",
    "--seed",
  ],
  ...["--min-semi-space-size", "--max-semi-space-size", "--config-path", "--mode", "--write", "--protocol"],
  ...["--http2-prior-knowledge", "--http--", "--https--"],
]);
const PATH = /`((?:src|test|docs|deploy|proto|\.ci)\/[^`\s…]*)`/g;

const known = new Set(sources().match(/[A-Za-z_][A-Za-z0-9_]*/g));
const nowhere = { write: () => true };
const flags = new Set(flagsOf(createProgram({ stdout: nowhere, stderr: nowhere, start: () => {} })));

/** Every flag of a command and of those below it. */
function flagsOf(command: Command): readonly string[] {
  return ["--help", ...command.options.flatMap(({ long }) => long ?? []), ...command.commands.flatMap(flagsOf)];
}

/** A name whose end was left out, `windbreak_settled_*`, stands for those that begin so. */
function isSeries(name: string): boolean {
  return SERIES.has(name) || (name.endsWith("_") && [...SERIES].some((series) => series.startsWith(name)));
}

function isVariable(name: string): boolean {
  return flags.has(`--${name.slice("WINDBREAK_".length).toLowerCase().replaceAll("_", "-")}`);
}

function isPath(path: string): boolean {
  // Of a pattern, the folder that it is in.
  return existsSync(join(ROOT, path.replace(/[^/]*[*{].*$/, "")));
}

/** Flags of ours that prose names, `--listen` or `windbreak serve --listen`. What other programs read is theirs. */
function flagsInProse(text: string): readonly string[] {
  return codeIn(text).flatMap((code) => (/^(--|windbreak )/.test(code) ? flagsOfLine(code) : []));
}

function flagsInCode(text: string): readonly string[] {
  return /(^|[|&] *|\$ |; *)(windbreak|node dist\/main\.js) /.test(text) ? flagsOfLine(text) : [];
}

function flagsOfLine(text: string): readonly string[] {
  return [...text.matchAll(/(?<![\w-])(--[a-z][a-z0-9-]*)/g)].map(([, flag = ""]) => flag);
}

/** Names in a line that nothing has, each with what to look at. */
function unknownIn(line: string, ownFlags: readonly string[]): readonly string[] {
  const found = (pattern: RegExp) => [...line.matchAll(pattern)].map(([, name = ""]) => name);
  return [
    ...ownFlags
      .filter((flag) => !flags.has(flag) && !FLAGS_OF_OTHERS.has(flag))
      .map((flag) => `no command has the flag ${flag}; see windbreak --help`),
    ...found(/(?<!\w)(windbreak_[a-z_]*[a-z])\b(?!\.)/g)
      .filter((name) => !isSeries(name) && !isSeries(`${name}_`) && !known.has(name))
      .map((name) => `nothing is named ${name}; metrics stand in src/telemetry/definitions.ts`),
    ...found(/\b(WINDBREAK_[A-Z_]*[A-Z])\b/g)
      .filter((name) => !isVariable(name) && !known.has(name))
      .map((name) => `no flag of serve has the variable ${name}`),
    ...found(/\b([A-Z][A-Z0-9]*_[A-Z0-9_]*[A-Z0-9])\b/g)
      .filter((name) => !/^WINDBREAK_/.test(name) && !OF_OTHERS.test(name) && !known.has(name))
      .map((name) => `no reason, status or variable is named ${name}; see proto/`),
    ...found(PATH)
      .filter((path) => !isPath(path))
      .map((path) => `there is no ${path}`),
  ];
}

describe("names in the docs", () => {
  it.each(pageNames())("%s names flags, metrics, reasons, variables and files that there are", (name) => {
    const { prose, blocks } = readPage(name);
    const told = (line: number) => (fault: string) => `${name}:${line}: ${fault}`;
    const faults = prose.flatMap(({ line, text }) => unknownIn(text, flagsInProse(text)).map(told(line)));
    for (const { text, line } of blocks) {
      // A command goes on where its line ends in a backslash.
      const whole = text.replaceAll(/\\\n/g, "  ").split("\n");
      faults.push(...whole.flatMap((one) => unknownIn(one, flagsInCode(one)).map(told(line))));
    }
    expect(faults.join("\n")).toBe("");
  });

  it("are told where there is nothing of that name", () => {
    const line = "`--polciy`, `windbreak_descisions_total`, WINDBREAK_POLCIY, RATE_LIMITTED, `src/domain/evalute.ts`";
    expect(unknownIn(line, flagsInProse(line))).toHaveLength(5);
    expect(flagsInCode("windbreak serve --polciy x")).toEqual(["--polciy"]);
    expect(flagsInCode("kubectl apply --kustomize x")).toEqual([]);
  });
});
