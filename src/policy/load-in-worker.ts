import { askWorker } from "./ask-worker.js";
import { beginPolicy, type Compiling, compilePolicy } from "./compile.js";
import { type Fault, formatFault } from "./faults.js";
import type { LoadResult } from "./judge.js";
import { type ReadResult, readPolicy } from "./read.js";
import type { ReadPart } from "./read-parts.js";

/** Load a policy in this thread: for a start, when nobody waits, and for tests, which run no compiled script. */
export async function loadHere(bytes: Uint8Array, file: string): Promise<LoadResult> {
  return compiled(readPolicy(bytes, file));
}

/**
 * Load a policy without holding up the calls that are being decided.
 *
 * Reading and checking, which takes more than a second for a megabyte, happens in a thread of its own. Taking in its
 * answer and compiling it happens here, because threads cannot pass a policy to each other: a part at a time, with
 * decisions in between.
 *
 * @throws where the thread dies of the file, or takes too long over it: it has no more memory and no more time than a
 *   policy can need.
 */
export async function loadInWorker(bytes: Uint8Array, file: string): Promise<LoadResult> {
  const parts = askWorker<ReadPart>(READ_WORKER, { input: { bytes, file } });
  let compiling: Compiling | undefined;
  let warnings: readonly Fault[] = [];
  for await (const part of parts) {
    if (part.kind === "faulty") return { kind: "faulty", faults: part.faults.map(formatFault) };
    if (part.kind === "ok") {
      compiling = beginPolicy(part.file, part.revision);
      warnings = part.warnings;
    } else {
      compiling?.add(part.principals);
    }
  }
  if (!compiling) throw new Error("the worker gave no policy");
  return { kind: "ok", policy: compiling.finish(), warnings: warnings.map(formatFault) };
}

/** Compiled code: there is no such script beside the sources. */
const READ_WORKER = new URL("./read-worker.js", import.meta.url);

function compiled(read: ReadResult): LoadResult {
  if (read.kind === "faulty") return { kind: "faulty", faults: read.faults.map(formatFault) };
  const policy = compilePolicy(read.file, read.revision);
  return { kind: "ok", policy, warnings: read.warnings.map(formatFault) };
}
