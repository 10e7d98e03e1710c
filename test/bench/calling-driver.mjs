import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readLog } from "./h2load.mjs";
import { LOAD_CORE, run } from "./process.mjs";

const CHILD = fileURLToPath(new URL("calling-child.mjs", import.meta.url));

/** How long the driver's process and its handshakes may take until it calls. */
export const STARTING_MS = 600;

/**
 * Drive load by a small HTTP/2 client of this bench: in plain text, by TLS, or with a client certificate.
 *
 * @param {import("./h2load.mjs").Load} load its extent has no rate, and it goes to a port.
 * @returns {Promise<import("./h2load.mjs").Tally>}
 * @throws where a call failed, or was not answered.
 */
export async function callingDriver({ port, path, bodyFile, connections, inFlight, extent, tls }) {
  const folder = mkdtempSync(join(tmpdir(), "windbreak-bench-"));
  const logFile = join(folder, "calls");
  try {
    /** @type {import("./calling-child.mjs").Task} */
    const task = { port, path, bodyFile, connections, inFlight, extent, tls, logFile };
    /** @type {import("./calling-child.mjs").Outcome} */
    const outcome = JSON.parse(await run(LOAD_CORE, ["node", CHILD, JSON.stringify(task)]));
    // It waits for what is open in the end.
    return { ...outcome, cutOff: 0, log: readLog(readFileSync(logFile, "latin1")) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
