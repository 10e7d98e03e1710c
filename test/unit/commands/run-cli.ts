import { run } from "../../../src/commands/run.js";
import type { Environment } from "../../../src/settings/given.js";

/** The time that every command sees. */
export const NOON = Date.UTC(2026, 10, 22, 12);

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Run a command line in this process, in an environment of its own. */
export async function runCli(argv: readonly string[], env: Environment = {}, now = NOON): Promise<Ran> {
  const written = { stdout: "", stderr: "" };
  const io = {
    stdout: { write: (text: string) => (written.stdout += text) },
    stderr: { write: (text: string) => (written.stderr += text) },
    isTerminal: false,
    now: () => now,
  };
  const code = await run(argv, io, env);
  return { code, ...written };
}
