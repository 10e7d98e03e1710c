import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LOAD_CORE, run } from "./process.mjs";

/**
 * Paths. `ca`: who signs the server's certificate; `client`: what is shown to the server.
 *
 * @typedef {{ ca: string, client?: { certificate: string, key: string } | undefined }} TlsFiles
 *
 * @typedef {object} Load
 * @property {number} port
 * @property {string | undefined} [socket] the Unix socket to connect to rather than to the port.
 * @property {string} path
 * @property {string} bodyFile
 * @property {string | undefined} [authorization] what each call shows.
 * @property {TlsFiles | undefined} [tls] undefined: plain text, as it always is by h2load.
 * @property {number} connections
 * @property {number} inFlight on each connection.
 * @property {{ requests: number } | { ms: number, perSecond?: number }} extent so many requests; or for so long, as
 *   fast as answers come or at a fixed rate over all connections.
 *
 * @typedef {object} Tally
 * @property {number} replies
 * @property {number} dataBytes gRPC's prefixes and messages, those of replies that were cut off by the end included.
 * @property {number} cutOff at most so many.
 * @property {readonly { endedAt: number, us: number }[]} log when each reply ended, in milliseconds since 1970, and how
 *   long it took.
 * @property {number} [driverBusy] how much of its core the load's source used, where it says so.
 */

/**
 * Drive load and account for every request.
 *
 * h2load's own warm-up is not used: bytes that come in it would be counted, and requests would not.
 *
 * @param {Load} load
 * @returns {Promise<Tally>}
 * @throws where a request failed.
 */
export async function h2load({ port, socket, path, bodyFile, authorization, connections, inFlight, extent }) {
  const folder = mkdtempSync(join(tmpdir(), "windbreak-bench-"));
  const logFile = join(folder, "requests");
  const sizes = ["-c", String(connections), "-m", String(inFlight), "-t", "1"];
  const shown = authorization === undefined ? [] : ["-H", `authorization: ${authorization}`];
  const headers = ["-H", "content-type: application/grpc", "-H", "te: trailers", ...shown];
  const url = `http://127.0.0.1:${port}${path}`;
  const base = socket === undefined ? [] : ["-B", `unix:${socket}`];
  try {
    const said = await run(LOAD_CORE, [
      "h2load",
      ...sizes,
      ...extentFlags(extent, connections),
      ...["-d", bodyFile, "--log-file", logFile],
      ...headers,
      ...base,
      url,
    ]);
    const cutOff = "requests" in extent ? 0 : connections * inFlight;
    return { ...account(said), cutOff, log: readLog(readFileSync(logFile, "latin1")) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * @param {Load["extent"]} extent
 * @param {number} connections
 */
function extentFlags(extent, connections) {
  if ("requests" in extent) return ["-n", String(extent.requests)];
  const duration = ["-D", `${extent.ms}ms`];
  return extent.perSecond === undefined ? duration : [...duration, "--rps", String(extent.perSecond / connections)];
}

/** @param {string} said */
function account(said) {
  const [total, succeeded] = numbers(
    said,
    /^requests: (\d+) total, .* (\d+) succeeded, 0 failed, 0 errored, 0 timeout$/m,
  );
  const [ok = 0] = numbers(said, /^status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx/m);
  const [dataBytes] = numbers(said, /^traffic: .*\((\d+)\) data$/m);
  if (!total || succeeded !== total || ok < total) throw new Error(`not every request was answered:\n${said}`);
  return { replies: total, dataBytes: dataBytes ?? Number.NaN };
}

/**
 * @param {string} text
 * @param {RegExp} pattern
 * @returns {readonly number[]} its groups.
 */
function numbers(text, pattern) {
  return (pattern.exec(text) ?? []).slice(1).map(Number);
}

/**
 * Read a log of h2load's form.
 *
 * @param {string} text
 * @returns {Tally["log"]}
 */
export function readLog(text) {
  return text.split("\n").filter(Boolean).map(readLine);
}

/** @param {string} line start in microseconds since 1970, status, microseconds to the end. */
function readLine(line) {
  const [start, , us] = line.split("\t");
  return { endedAt: (Number(start) + Number(us)) / 1000, us: Number(us) };
}
