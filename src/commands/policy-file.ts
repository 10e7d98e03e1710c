import type { Policy } from "../domain/policy.js";
import { catalogueWarning } from "../policy/catalogue.js";
import { type Fault, formatFault } from "../policy/faults.js";
import { type LoadedPolicy, loadPolicy } from "../policy/load-policy.js";
import { readSteady } from "../policy/steady-read.js";
import { EXIT, type Failure, fail, failure, type Io } from "./context.js";

/** A sound policy; or the exit code, where everything that is wrong has been told. */
export type OpenedPolicy = { readonly policy: Policy } | { readonly exitCode: number };

/** Load a policy file and tell on stderr what is wrong with it, then what is doubtful. */
export async function openPolicy(io: Io, file: string): Promise<OpenedPolicy> {
  const loaded = await loadPolicyFile(file);
  if (loaded.kind === "failure") return { exitCode: fail(io, loaded) };
  if (loaded.kind === "faulty") {
    tellFaults(io, loaded.faults);
    return { exitCode: EXIT.no };
  }
  tellFaults(io, loaded.warnings.map(marked));
  const age = catalogueWarning(new Date(io.now()));
  if (age !== undefined) io.stderr.write(`warning: ${age}\n`);
  return { policy: loaded.policy };
}

/** Read and compile a policy file, and tell nobody. */
export async function loadPolicyFile(file: string): Promise<LoadedPolicy | Failure> {
  const bytes = await readWritten(file);
  return "kind" in bytes ? bytes : loadPolicy(bytes, file);
}

/** Read a file of at most a policy's size. Nobody waits for it to be still: who asks has just written it. */
export async function readWritten(file: string): Promise<Uint8Array | Failure> {
  const found = await readSteady({ file, settle: async () => {} });
  return found.kind === "unreadable" ? failure(EXIT.usage, found.fault) : found.bytes;
}

/** Tell faults on stderr, one line each. */
export function tellFaults({ stderr }: Io, faults: readonly Fault[]): void {
  for (const fault of faults) stderr.write(`${formatFault(fault)}\n`);
}

function marked(warning: Fault): Fault {
  return { ...warning, what: `warning: ${warning.what}` };
}
