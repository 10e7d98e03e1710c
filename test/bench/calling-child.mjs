// A process of its own: calls on some connections without a pause, writes a log as h2load does, and says on stdout how
// much came.
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { CallingConnection } from "./calling-connection.mjs";
import { until } from "./until.mjs";

/**
 * @typedef {Omit<import("./h2load.mjs").Load, "socket" | "headers"> & { logFile: string }} Task
 * @typedef {{ replies: number, dataBytes: number, driverBusy: number }} Outcome
 */

/** @type {Task} */
const task = JSON.parse(process.argv[2] ?? "{}");
const { port, path, bodyFile, connections, inFlight, extent, tls, logFile } = task;

/** @type {string[]} */
const log = [];
let dataBytes = 0;
let left = "requests" in extent ? extent.requests : Number.POSITIVE_INFINITY;

/** @param {Error} cause */
function failed(cause) {
  process.stdout.write(`${cause.message}\n`);
  process.exit(1);
}

/** @type {import("./calling-connection.mjs").Parts["answered"]} */
function answered(startedAt, bytes) {
  const us = Math.round((performance.now() - startedAt) * 1000);
  log.push(`${Math.round((performance.timeOrigin + startedAt) * 1000)}\t200\t${us}`);
  dataBytes += bytes;
}

/** @param {number} wanted */
function grant(wanted) {
  const granted = Math.min(wanted, left);
  left -= granted;
  return granted;
}

const body = readFileSync(bodyFile);
const all = Array.from(
  { length: connections },
  () => new CallingConnection({ port, path, body, inFlight, tls, grant, answered, failed }),
);
await Promise.all(all.map((connection) => connection.ready));
const begun = { at: performance.now(), cpu: process.cpuUsage() };
for (const connection of all) connection.start();
if ("ms" in extent) {
  await wait(extent.ms);
  left = 0;
}
const { user, system } = process.cpuUsage(begun.cpu);
const driverBusy = (user + system) / 1000 / (performance.now() - begun.at);
await until(() => left === 0 && all.every((connection) => connection.isIdle));
for (const connection of all) connection.end();

writeFileSync(logFile, log.map((line) => `${line}\n`).join(""));
/** @type {Outcome} */
const outcome = { replies: log.length, dataBytes, driverBusy };
process.stdout.write(`${JSON.stringify(outcome)}\n`);
