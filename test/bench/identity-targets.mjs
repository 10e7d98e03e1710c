import { BY_KEY } from "./identity.mjs";
import { ofWithout } from "./identity-report.mjs";

/**
 * Hold what was measured of callers that prove who they are against what this project has set itself. What TLS costs is
 * stated, and nothing is set.
 *
 * @param {import("./identity.mjs").IdentityFigures} identity
 * @returns {readonly Omit<import("./targets.mjs").Target, "met">[]}
 */
export function identityTargets(identity) {
  const shapes = [
    { connections: 4, inFlight: 16 },
    { connections: 1, inFlight: 1 },
  ];
  return shapes.map((shape) => ({
    what: `an API key, ${shape.connections}x${shape.inFlight}: decisions/s`,
    bound: "at least",
    target: 0.9,
    value: ofWithout(identity, shape, BY_KEY, "perSecond"),
    unit: "of those without",
  }));
}
