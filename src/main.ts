#!/usr/bin/env node
import { run } from "./commands/run.js";

// Who reads may stop reading, as `head` does. What is still written then is nobody's loss.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

process.exitCode = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  isTerminal: process.stderr.isTTY === true,
  now: Date.now,
});
