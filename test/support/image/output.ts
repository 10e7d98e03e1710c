import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const MOST_BYTES = 64e6;
const MOST_MS = 500_000;

/** Run a program to its end. @returns what it wrote to stdout. @throws where it fails, with what it wrote to stderr. */
export async function output(program: string, args: readonly string[], cwd?: string): Promise<string> {
  const { stdout } = await run(program, args, { cwd, maxBuffer: MOST_BYTES, timeout: MOST_MS });
  return stdout;
}
