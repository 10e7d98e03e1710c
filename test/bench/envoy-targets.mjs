import { addedUs, ofAuthorize } from "./envoy-summary.mjs";

/**
 * Hold what was measured of guarding calls through Envoy against what this project has set itself.
 *
 * @param {import("./envoy.mjs").EnvoyFigures} envoy
 * @returns {readonly Omit<import("./targets.mjs").Target, "met">[]}
 */
export function envoyTargets(envoy) {
  const shapes = [
    { connections: 4, inFlight: 16 },
    { connections: 1, inFlight: 1 },
  ];
  const longest = Math.max(...envoy.blocking.map(({ longestMs }) => longestMs));
  return [
    ...shapes.map((shape) => ({
      what: `Check ${shape.connections}x${shape.inFlight}: decisions/s`,
      bound: /** @type {const} */ ("at least"),
      target: 0.75,
      value: ofAuthorize(envoy, shape, "perSecond"),
      unit: "of Authorize's",
    })),
    {
      what: "a call through Envoy: p50 that guarding adds",
      bound: "at most",
      target: 1000,
      value: addedUs(envoy, "p50Us"),
      unit: "us",
    },
    { what: "the longest turn that a body of 1 MB takes", bound: "at most", target: 10, value: longest, unit: "ms" },
  ];
}
