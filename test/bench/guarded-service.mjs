import { MAIN } from "./built.mjs";
import { newFolder, put, TTL } from "./contestants.mjs";
import { benchPolicy } from "./policy.mjs";
import { start } from "./process.mjs";

/** The key that guarded calls leave with, and the variable that holds it. */
export const KEY = { name: "WINDBREAK_BENCH_KEY", value: "0123456789abcdefghijklmnopqrstuv" };

/**
 * The built service with a door for its callers and one for Envoy, each a Unix socket.
 *
 * @param {{ nodeFlags: readonly string[], ttl?: string, core?: number | undefined }} options `ttl`: how long a
 *   reservation stays open.
 */
export function guardedService({ nodeFlags, ttl = TTL, core }) {
  const folder = newFolder("doors");
  const own = `${folder}/own.sock`;
  const envoys = `${folder}/envoy.sock`;
  const policyFile = put(`policy-guarded-${ttl}.yaml`, benchPolicy({ ttl, upstreamKey: KEY.name }));
  const listen = ["--listen", `unix:${own}`, "--listen-envoy", `unix:${envoys}`];
  const given = ["--policy", policyFile, ...listen, "--admin", "off", "--log-level", "error"];
  return {
    own,
    envoys,
    start: () => start(core, ["node", ...nodeFlags, MAIN, "serve", ...given], { [KEY.name]: KEY.value }),
  };
}
