import { CommanderError } from "commander";
import type { Environment } from "../settings/given.js";
import { EXIT, type Io } from "./context.js";
import { createProgram, VERSION_ASKED } from "./program.js";

/**
 * Run the command that a command line names.
 *
 * @param argv without the program's own name.
 * @param env the environment of this process when left out.
 * @returns the exit code. Rejects only for what nobody expected.
 */
export async function run(argv: readonly string[], io: Io, env?: Environment): Promise<number> {
  let exitCode: number = EXIT.done;
  const { stdout, stderr } = io;
  const program = createProgram({
    stdout,
    stderr,
    start: async ({ load, flags, args }) => {
      const command = await load();
      exitCode = await command({ io, flags, args, ...(env && { env }) });
    },
  });
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === VERSION_ASKED) stdout.write(`${(await import("../version.js")).VERSION}\n`);
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
  return exitCode;
}
