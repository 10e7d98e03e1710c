import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Called, createProgram } from "../../../src/commands/program.js";
import { runCli } from "./run-cli.js";

const COMMANDS = [
  ["serve"],
  ["policy", "check"],
  ["policy", "schema"],
  ["policy", "test"],
  ["policy", "diff"],
  ["policy", "explain"],
  ["authorize"],
  ["usage"],
  ["health"],
  ["reservations", "list"],
  ["reservations", "release"],
  ["keys", "list"],
  ["keys", "audit"],
  ["keys", "issue"],
  ["keys", "revoke"],
];
const GROUPS = [[], ["policy"], ["reservations"], ["keys"]];

async function helpOf(command: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli([...command, "--help"]);
  expect([code, stderr]).toEqual([0, ""]);
  return stdout;
}

function examplesIn(help: string): readonly string[] {
  const [, examples = ""] = help.split("\nExamples:\n");
  return examples.split("\n").filter((line) => line !== "");
}

/** Parse a command line as a shell would hand it over, without running it. */
async function parsed(line: string): Promise<Called> {
  const [program, ...argv] = (line.replace(/^ {2}\$ /, "").split(/ [>|&]/)[0] ?? "").split(" ");
  expect(program).toBe("windbreak");
  const called: Called[] = [];
  const silent = { write: () => true };
  const start = (one: Called) => void called.push(one);
  await createProgram({ stdout: silent, stderr: silent, start }).parseAsync(argv, { from: "user" });
  const [only] = called;
  if (!only || called.length > 1) throw new Error(`${line} started ${called.length} commands`);
  return only;
}

describe("help", () => {
  test.each(COMMANDS.map((command) => [command.join(" "), command] as const))(
    "of %s ends with two or three examples of it that parse",
    async (name, command) => {
      const examples = examplesIn(await helpOf(command));
      expect(examples.length === 2 || examples.length === 3).toBe(true);
      for (const example of examples) {
        expect(example).toMatch(new RegExp(`^ {2}\\$ windbreak ${name}( |$)`));
        expect(await (await parsed(example)).load()).toBeTypeOf("function");
      }
    },
  );

  test.each(GROUPS.map((group) => [group.join(" "), group] as const))(
    "of windbreak %s ends with examples that parse",
    async (_, group) => {
      const examples = examplesIn(await helpOf(group));
      expect(examples.length).toBeGreaterThanOrEqual(2);
      for (const example of examples) await parsed(example);
    },
  );

  test("stands in for a command that is left out, on stderr and as wrong usage", async () => {
    for (const group of GROUPS) {
      const { code, stdout, stderr } = await runCli(group);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(/^Usage: windbreak /);
    }
  });
});

describe("the command line", () => {
  test("hands a command its flags by their names, and its arguments", async () => {
    const { flags, args } = await parsed(
      "windbreak policy explain p.yaml --max-output-tokens 5 --annotated-pages --server unix:/a",
    );
    expect(args).toEqual(["p.yaml"]);
    expect(flags).toEqual({ "max-output-tokens": "5", "annotated-pages": true, server: "unix:/a" });
  });

  test("gathers a flag that is repeated", async () => {
    const { flags } = await parsed("windbreak serve --listen a --policy p --listen b");
    expect(flags).toEqual({ listen: ["a", "b"], policy: "p" });
  });

  test.each([
    ["polcy", "unknown command 'polcy'; did you mean policy?"],
    ["policy chek p.yaml", "unknown command 'chek'; did you mean check?"],
    ["serve --polcy p.yaml", "unknown option '--polcy'; did you mean --policy?"],
    ["health --nothing-like-it", "unknown option '--nothing-like-it'; see windbreak --help"],
    ["policy check", "missing required argument 'file'; see windbreak --help"],
    ["policy check a b", "too many arguments for 'check'. Expected 1 argument but got 2.; see windbreak --help"],
    ["serve --policy", "option '--policy <file>' argument missing; see windbreak --help"],
  ])("%s is wrong usage, told on one line", async (line, fault) => {
    expect(await runCli(line.split(" "))).toEqual({ code: 2, stdout: "", stderr: `${fault}\n` });
  });

  test("shows what a terminal could act on as escapes", async () => {
    const { stderr } = await runCli(["\u001b[31m"]);
    expect(stderr).toBe("unknown command '\\u{1b}[31m'; see windbreak --help\n");
  });

  test.each(["--version", "-V"])("%s prints the package's version", async (flag) => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8"));
    expect(await runCli([flag])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });
});

describe("serve", () => {
  test("tells all that is wrong with its settings, and is wrong usage", async () => {
    const ran = await runCli(["serve", "--listen", "0.0.0.0:1", "--redis", "redis://:secret@host"], {
      WINDBREAK_ROTATE: "0 3 * * *",
    });
    expect(ran.code).toBe(2);
    expect(ran.stdout).toBe("");
    expect(ran.stderr.split("\n")).toEqual([
      "--policy: missing; give --policy FILE, or set WINDBREAK_POLICY",
      expect.stringMatching(/^--listen 0\.0\.0\.0:1: whoever reaches this address /),
      expect.stringMatching(/^--redis: holds a password, /),
      "WINDBREAK_ROTATE: which keys are meant is not known; give --keys FILE too",
      "",
    ]);
  });
});
