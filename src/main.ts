#!/usr/bin/env node
import { lostOutput } from "./commands/lost-output.js";
import { run } from "./commands/run.js";

// A log that cannot be written, as on a full disk, is no reason to stop deciding; and there is nowhere to say so.
process.stderr.on("error", () => {});

let exitCode: number | undefined;
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  const lost = lostOutput(error);
  if (lost === undefined || exitCode !== undefined) return;
  exitCode = lost.exitCode;
  process.exitCode = exitCode;
  process.stderr.write(`${lost.line}\n`);
});

const ended = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: () => process.stdin,
  isTerminal: process.stderr.isTTY === true,
  now: Date.now,
});
process.exitCode = exitCode ?? ended;
