import type { Policy } from "../domain/policy.js";

/** Find why a policy cannot serve Envoy: the workspaces whose calls it has no Mistral key for; undefined where it can. */
export function faultInEnvoy(policy: Policy): string | undefined {
  const keyless = [...policy.workspaces.values()].filter(({ upstreamKey }) => !upstreamKey).map(({ name }) => name);
  if (keyless.length === 0) return undefined;
  return `workspaces: ${keyless.join(", ")} without upstream_key, but --listen-envoy sends the calls of every workspace on; add upstream_key: { file: PATH } or { env: NAME } to each`;
}
