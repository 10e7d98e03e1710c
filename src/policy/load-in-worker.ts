import { compilePolicy } from "./compile.js";
import { formatFault } from "./faults.js";
import type { LoadResult } from "./judge.js";
import { type ReadResult, readPolicy } from "./read.js";
import { runInWorker } from "./run-in-worker.js";

/** Load a policy in this thread: for a start, when nobody waits, and for tests, which run no compiled script. */
export async function loadHere(bytes: Uint8Array, file: string): Promise<LoadResult> {
  return compiled(readPolicy(bytes, file));
}

/**
 * Load a policy without holding up the calls that are being decided.
 *
 * Reading and checking, which takes more than a second for a megabyte, happens in a thread of its own. Taking in its
 * answer and compiling it happens here, because threads cannot pass a policy to each other: 50 ms for a megabyte.
 *
 * @throws where the thread dies of the file: it has no more memory than a policy can need.
 */
export async function loadInWorker(bytes: Uint8Array, file: string): Promise<LoadResult> {
  return compiled(await readInWorker(bytes, file));
}

/** Read a policy in a thread of its own. Works from compiled code only. */
export function readInWorker(bytes: Uint8Array, file: string): Promise<ReadResult> {
  return runInWorker(new URL("./read-worker.js", import.meta.url), { bytes, file });
}

function compiled(read: ReadResult): LoadResult {
  if (read.kind === "faulty") return { kind: "faulty", faults: read.faults.map(formatFault) };
  const policy = compilePolicy(read.file, read.revision);
  return { kind: "ok", policy, warnings: read.warnings.map(formatFault) };
}
