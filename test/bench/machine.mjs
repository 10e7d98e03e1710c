import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import os from "node:os";

/**
 * What the figures hold for. `loadBefore`: the load average of the minute before; on an idle machine near 0.
 *
 * @typedef {{ cpu: string, cores: number, kernel: string, node: string, grpcJs: string, h2load: string, redis: string, pinned: boolean, loadBefore: number, date: string }} Machine
 */

/** Whether two programs can be kept on a core each. */
export const CAN_PIN = os.availableParallelism() >= 2 && answers("taskset", ["--version"]) !== undefined;

/**
 * To be asked before anything is measured.
 *
 * @returns {Machine}
 */
export function machineFacts() {
  return {
    cpu: os.cpus()[0]?.model ?? "unknown",
    cores: os.availableParallelism(),
    kernel: `${os.type()} ${os.release()}`,
    node: process.version,
    grpcJs: versionOf("@grpc/grpc-js"),
    h2load: answers("h2load", ["--version"])?.replace("h2load nghttp2/", "") ?? "absent",
    redis: /v=(\S+)/.exec(answers("redis-server", ["--version"]) ?? "")?.[1] ?? "absent",
    pinned: CAN_PIN,
    loadBefore: os.loadavg()[0] ?? 0,
    date: new Date().toISOString().slice(0, 10),
  };
}

/**
 * Say what this machine lacks to drive load, and what to do about it.
 *
 * @returns {string | undefined} undefined where it lacks nothing.
 */
export function lacking() {
  if (os.type() !== "Linux") return "the server's CPU time is read from /proc: run the bench on Linux";
  if (answers("h2load", ["--version"]) === undefined) {
    return "h2load is not installed: install it (Debian and Ubuntu: apt-get install nghttp2-client), or name --only memory or --only compile";
  }
  return undefined;
}

/**
 * Say that there is no Redis to measure with, and what to do about it.
 *
 * @returns {string | undefined} undefined where there is one.
 */
export function lackingRedis() {
  if (answers("redis-server", ["--version"]) !== undefined) return undefined;
  return "redis-server is not installed, so everything with Redis is left out: install it (Debian and Ubuntu: apt-get install redis-server)";
}

/**
 * @param {string} program
 * @param {string[]} args
 * @returns {string | undefined} its first line; undefined where it cannot be run.
 */
function answers(program, args) {
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8" });
  return status === 0 ? stdout.split("\n", 1)[0] : undefined;
}

/** @param {string} name of a package in node_modules */
function versionOf(name) {
  const manifest = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return String(JSON.parse(readFileSync(manifest, "utf8")).version);
}
