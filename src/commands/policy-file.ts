import type { Policy } from "../domain/policy.js";
import { catalogueWarning } from "../policy/catalogue.js";
import { type Fault, formatFault } from "../policy/faults.js";
import { loadPolicy } from "../policy/load-policy.js";
import { readSteady } from "../policy/steady-read.js";
import { EXIT, fail, failure, type Io } from "./context.js";

/** A sound policy; or the exit code, where everything that is wrong has been told. */
export type OpenedPolicy = { readonly policy: Policy } | { readonly exitCode: number };

/** Load a policy file and tell on stderr what is wrong with it, then what is doubtful. */
export async function openPolicy(io: Io, file: string): Promise<OpenedPolicy> {
  // Nobody waits for a file to be still here: who asks has just written it.
  const found = await readSteady({ file, settle: async () => {} });
  if (found.kind === "unreadable") return { exitCode: fail(io, failure(EXIT.usage, found.fault)) };

  const loaded = loadPolicy(found.bytes, file);
  if (loaded.kind === "faulty") {
    for (const fault of loaded.faults) io.stderr.write(`${formatFault(fault)}\n`);
    return { exitCode: EXIT.no };
  }
  for (const warning of loaded.warnings) io.stderr.write(`${formatFault(marked(warning))}\n`);
  const age = catalogueWarning(new Date(io.now()));
  if (age !== undefined) io.stderr.write(`warning: ${age}\n`);
  return { policy: loaded.policy };
}

function marked(warning: Fault): Fault {
  return { ...warning, what: `warning: ${warning.what}` };
}
