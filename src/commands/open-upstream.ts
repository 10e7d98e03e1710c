import { setTimeout as pause } from "node:timers/promises";
import type { KeyProvider } from "../app/key-ports.js";
import type { KeysFile } from "../domain/keys-file.js";
import type { Policy } from "../domain/policy.js";
import { printable } from "../domain/printable.js";
import { keyIn, placeText, readKeyFile } from "../keys/read-key.js";
import { AdminBills } from "../mistral/admin/admin-bills.js";
import { AdminKeys } from "../mistral/admin/admin-keys.js";
import type { Wire } from "../mistral/admin/exchange.js";
import { readKeys } from "../policy/read-keys.js";
import type { KeysGiven } from "../settings/keys-given.js";
import { variable } from "../settings.js";
import { VERSION } from "../version.js";
import { type Context, EXIT, fail, failure, type Io } from "./context.js";
import { doubtsOfKeys } from "./doubts-of-keys.js";
import { loadPolicyFile, readWritten, tellFaults } from "./policy-file.js";

/** Mistral's keys, as a keys file says where they are. */
export interface Upstream {
  readonly kind: "upstream";
  readonly keys: KeysFile;
  readonly provider: KeyProvider;
  readonly bills: AdminBills;
  readonly wire: Wire;
  /** Reads a variable of the environment that the command was called in. */
  readonly variable: (name: string) => string | undefined;
}

/** What is wrong has been told. */
export interface Told {
  readonly kind: "told";
  readonly exitCode: number;
}

/** Open the keys file, held against the policy where one is named, and the Admin API that it names; tell what is wrong. */
export async function openUpstream(context: Context, given: KeysGiven): Promise<Upstream | Told> {
  const { io } = context;
  const read = await readKeysFile(io, given);
  if ("kind" in read) return read;
  const { admin } = read.keys;
  for (const line of await doubtsOfKeys(given.keysFile ?? "", read.keys)) {
    io.stderr.write(`warning: ${printable(line)}\n`);
  }
  const inEnv = variableOf(context);
  const shown = admin.key.kind === "file" ? await readKeyFile(admin.key.path) : keyIn(inEnv(admin.key.name));
  if (shown.kind === "none") {
    const line = `${placeText(admin.key)} ${shown.why}; put the organization's admin key there`;
    return told(fail(io, failure(EXIT.usage, line)));
  }
  const wire: Wire = {
    fetch,
    now: io.now,
    pause: (ms) => pause(ms),
    timeoutMs: admin.timeoutMs,
    userAgent: `windbreak/${VERSION}`,
  };
  const api = { api: admin, key: shown.key, wire };
  const [provider, bills] = [new AdminKeys(api), new AdminBills(api)];
  return { kind: "upstream", keys: read.keys, provider, bills, wire, variable: inEnv };
}

/** Load a policy for a command on keys; tell what is wrong, which is then wrong configuration. */
export async function policyForKeys(io: Io, file: string): Promise<Policy | Told> {
  const loaded = await loadPolicyFile(file);
  if (loaded.kind === "failure") return told(fail(io, loaded));
  if (loaded.kind === "ok") return loaded.policy;
  tellFaults(io, loaded.faults);
  return told(EXIT.usage);
}

async function readKeysFile(
  io: Io,
  { keysFile = "", policyFile }: KeysGiven,
): Promise<{ readonly keys: KeysFile } | Told> {
  const policy = policyFile === undefined ? undefined : await policyForKeys(io, policyFile);
  if (policy && "kind" in policy) return policy;
  const bytes = await readWritten(keysFile);
  if ("kind" in bytes) return told(fail(io, bytes));
  const read = readKeys(bytes, keysFile, policy && new Set(policy.workspaces.keys()));
  if (read.kind === "ok") return { keys: read.keys };
  tellFaults(io, read.faults);
  return told(EXIT.usage);
}

function told(exitCode: number): Told {
  return { kind: "told", exitCode };
}

/** Make a reader of the environment that a command was called in. */
export function variableOf({ env }: Context): (name: string) => string | undefined {
  return env ? (name) => env[name] : variable;
}
