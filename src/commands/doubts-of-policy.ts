import type { Policy } from "../domain/policy.js";
import { spiffeInVain } from "../identity/credential.js";
import { warningsOfOpenFiles } from "../keys/open-to-others.js";
import type { ServeSettings } from "../settings.js";

/** Find what is sound in a policy by itself, and doubtful where these settings serve it. */
export async function doubtsOfPolicy(settings: ServeSettings, policy: Policy): Promise<readonly string[]> {
  const inVain = settings.identity.kind === "credential" && !asksForCertificates(settings);
  const doubts = [unasked(settings, policy), inVain ? spiffeInVain(policy) : undefined];
  return [...doubts.filter((doubt) => doubt !== undefined), ...(await warningsOfOpenFiles(upstreamFiles(policy)))];
}

/** Whether anybody can prove a SPIFFE id here: by its own certificate, or by the one that Envoy verified. */
export function asksForCertificates({ tls, envoy }: ServeSettings): boolean {
  return tls?.clientCaFile !== undefined || envoy !== undefined;
}

/** Who writes credentials into a policy means them to be asked for. Envoy's door asks for them in every mode. */
function unasked({ identity, envoy }: ServeSettings, { credentials, trust }: Policy): string | undefined {
  if (identity.kind !== "declared" || envoy || (credentials.holders.size === 0 && trust.length === 0)) return undefined;
  return "credentials and trust rules are there, and callers are taken at their word all the same; give --identity credential";
}

function upstreamFiles({ workspaces }: Policy): readonly string[] {
  return [...workspaces.values()].flatMap(({ upstreamKey }) =>
    upstreamKey?.kind === "file" ? [upstreamKey.path] : [],
  );
}
