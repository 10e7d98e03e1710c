import { AdminToken } from "../keys/admin-token.js";
import type { ServeSettings } from "../settings.js";
import type { Log } from "../telemetry/log.js";
import { TlsInUse } from "./tls-in-use.js";

/** What stands between strangers and this server. */
export interface Guards {
  /** undefined: listeners on TCP speak plain text. */
  readonly tls: TlsInUse | undefined;
  /** undefined: the admin port asks for no token. */
  readonly adminToken: AdminToken | undefined;
  /** A line for each that was asked for and cannot be had: nothing may listen then. */
  readonly faults: readonly string[];
  close(): void;
}

/** Read the certificates and the admin token, where the settings ask for them, and look after them from then on. */
export async function openGuards({ tls: paths, adminTokenFile: file }: ServeSettings, log: Log): Promise<Guards> {
  // Not the counters' clock, which takes its time where the wall clock was set back.
  const clock = { now: () => Date.now() };
  const tls = paths && (await TlsInUse.open({ settings: paths, clock, log }));
  const token = file === undefined ? undefined : await AdminToken.open({ file, warn: (line) => log.warn(line) });
  const inUse = {
    tls: tls?.kind === "open" ? tls.tls : undefined,
    adminToken: token?.kind === "open" ? token.token : undefined,
  };
  return {
    ...inUse,
    faults: [
      ...(tls?.kind === "faulty" ? [tls.fault] : []),
      ...(token?.kind === "bad" ? [`admin token: ${token.why}; put one there, of visible ASCII`] : []),
    ],
    close: () => {
      inUse.tls?.close();
      inUse.adminToken?.close();
    },
  };
}
