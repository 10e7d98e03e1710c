import { CommanderError, Command as Program } from "commander";
import { printable } from "../domain/printable.js";
import type { Flags } from "../settings/given.js";
import { ASKING, type CommandText, KEYS, POLICY, RESERVATIONS, SERVE } from "./command-texts.js";
import type { Out } from "./context.js";
import { flagsOf } from "./flags.js";

/** A command as it was called. */
export interface Called {
  readonly load: CommandText["load"];
  readonly flags: Flags;
  readonly args: readonly string[];
}

export interface ProgramOptions {
  readonly stdout: Out;
  readonly stderr: Out;
  /** Told which command was called. */
  readonly start: (called: Called) => void | Promise<void>;
}

/** The code of the CommanderError that `--version` throws: reading the version takes more than parsing should. */
export const VERSION_ASKED = "windbreak.version";

/**
 * Describe the command line: every command, its flags and its help.
 *
 * Parsing throws a CommanderError after help was shown or a fault was told; its `exitCode` is 0 where help was asked for.
 */
export function createProgram({ stdout, stderr, start }: ProgramOptions): Program {
  const program = new Program("windbreak")
    .description("Decides, before a service calls Mistral AI, whether it may.")
    .option("-V, --version", "print the version")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) => write(`${oneLine(text)}\n`),
    });
  program.on("option:version", () => {
    throw new CommanderError(0, VERSION_ASKED, "");
  });
  const add = (parent: Program, { name, about, load, examples, flags = (command) => command }: CommandText) =>
    flags(parent.command(name).description(about))
      .addHelpText("after", exampleText(examples))
      .action(async (...parts: readonly unknown[]) => {
        const command = parts.at(-1);
        if (!(command instanceof Program)) throw new TypeError("an action's last argument is its command");
        await start({ load, flags: flagsOf(command), args: command.args });
      });

  add(program, SERVE);
  const policy = program
    .command("policy")
    .description("check, test, compare, replay and explain policy files, without a server");
  for (const command of POLICY) add(policy, command);
  for (const command of ASKING) add(program, command);
  const reservations = program.command("reservations").description("see and end what open calls hold");
  for (const command of RESERVATIONS) add(reservations, command);
  const keys = program
    .command("keys")
    .description("list, audit, issue, rotate and revoke keys: of callers, and of Mistral's");
  for (const command of KEYS) add(keys, command);

  policy.addHelpText("after", exampleText(POLICY.flatMap(({ examples }) => examples.slice(0, 1))));
  reservations.addHelpText("after", exampleText(RESERVATIONS.flatMap(({ examples }) => examples.slice(0, 1))));
  keys.addHelpText("after", exampleText(KEYS.flatMap(({ examples }) => examples.slice(0, 1))));
  return program.addHelpText("after", exampleText([SERVE, ...ASKING].flatMap(({ examples }) => examples.slice(0, 1))));
}

function exampleText(examples: readonly string[]): string {
  return `\nExamples:\n${examples.map((example) => `  $ ${example}\n`).join("")}`;
}

/** Bring a fault that commander found, and what it suggests, into the form of every other one. */
function oneLine(text: string): string {
  const [fault = "", ...rest] = text.trim().split("\n");
  const suggestion = /^\(Did you mean (.*)\?\)$/.exec(rest.join(" "))?.[1];
  const remedy = suggestion === undefined ? "see windbreak --help" : `did you mean ${suggestion}?`;
  return printable(`${fault.replace(/^error: /, "")}; ${remedy}`);
}
