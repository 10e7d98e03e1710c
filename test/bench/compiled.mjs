import { built } from "./built.mjs";

/** @type {typeof import("../../src/policy/load-policy.js")} */
const { loadPolicy } = await built("policy/load-policy.js");

/**
 * Turn the bytes of a policy file, which must be sound, into a policy.
 *
 * @param {Uint8Array} bytes
 */
export function compiled(bytes) {
  const loaded = loadPolicy(bytes, "bench.yaml");
  if (loaded.kind === "ok") return loaded.policy;
  throw new Error(`the bench's policy is at fault: ${JSON.stringify(loaded.faults[0])}`);
}
