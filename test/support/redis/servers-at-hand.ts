import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

export type Binary = "redis-server" | "redis-cli" | "redis-sentinel" | "valkey-server";

const INSTALL: Readonly<Record<Binary, string>> = {
  "redis-server": "apt-get install redis-server",
  "redis-cli": "apt-get install redis-tools",
  "redis-sentinel": "apt-get install redis-sentinel",
  "valkey-server": "apt-get install -t bookworm-backports valkey-server",
};
const BINARIES: readonly Binary[] = ["redis-server", "redis-cli", "redis-sentinel", "valkey-server"];
/** Not part of every Debian release, so that nothing may depend on it. */
const OPTIONAL: ReadonlySet<Binary> = new Set<Binary>(["valkey-server"]);

/** The programs that tests start, as found on this machine. */
export interface ServersAtHand {
  readonly found: ReadonlySet<Binary>;
  /** What is missing, and how to get it: one sentence each. */
  readonly missing: ReadonlyMap<Binary, string>;
}

/** Look along PATH for the servers that tests start. */
export function serversAtHand(path = process.env["PATH"] ?? ""): ServersAtHand {
  const found = new Set(BINARIES.filter((binary) => path.split(delimiter).some((room) => isProgram(room, binary))));
  const missing = new Map<Binary, string>();
  for (const binary of BINARIES) {
    if (!found.has(binary)) missing.set(binary, sentence(binary));
  }
  return { found, missing };
}

/** Whether a suite may run here, and if not, what is to be done about it. */
export type Verdict =
  | { readonly kind: "run" }
  | { readonly kind: "skip"; readonly because: string }
  | { readonly kind: "fail"; readonly because: string };

/** Judge what becomes of a suite that needs these servers. In CI only valkey-server may be missing. */
export function judge(needs: readonly Binary[], atHand: ServersAtHand, isCi: boolean): Verdict {
  const lacking = needs.filter((binary) => !atHand.found.has(binary));
  if (lacking.length === 0) return { kind: "run" };
  const because = lacking.map((binary) => atHand.missing.get(binary) ?? sentence(binary)).join(" ");
  return { kind: isCi && lacking.some((binary) => !OPTIONAL.has(binary)) ? "fail" : "skip", because };
}

function sentence(binary: Binary): string {
  return `${binary} is missing: on Debian, run .ci/install-servers or ${INSTALL[binary]}.`;
}

function isProgram(room: string, binary: Binary): boolean {
  try {
    accessSync(join(room, binary), constants.X_OK);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
}
