import type { KeyUses } from "../app/key-ports.js";
import type { Clock } from "../app/ports.js";
import type { RotationJournal } from "../app/rotation-ports.js";
import type { KeysFile } from "../domain/keys-file.js";
import type { Policy } from "../domain/policy.js";
import { ModelListProbe } from "../keys/model-list-probe.js";
import type { ServeSettings } from "../settings.js";
import type { Log } from "../telemetry/log.js";
import type { RotationFacts } from "../telemetry/rotation-facts.js";
import { openUpstream, type Upstream } from "./open-upstream.js";
import { faultInCron, RotationWatch } from "./rotation-watch.js";
import { rotatorsOf } from "./rotators.js";
import { plural } from "./table.js";

export interface RotationOptions {
  readonly settings: ServeSettings;
  /** undefined: it is at fault, which is told elsewhere. */
  readonly policy: Policy | undefined;
  readonly log: Log;
}

/** What serves the schedule, before there is a service. */
export type OpenedRotation =
  | {
      readonly kind: "open";
      /** Begin to rotate. */
      start(parts: RotationParts): RotationWatch;
    }
  | { readonly kind: "faulty"; readonly faults: readonly string[] };

export interface RotationParts {
  readonly journal: RotationJournal;
  readonly uses: KeyUses;
  readonly clock: Clock;
  readonly facts: RotationFacts;
}

/**
 * Open what `--rotate` needs, and load what would stall calls if it were loaded later.
 *
 * The keys file and the admin key are read once: a change takes a restart.
 */
export async function openRotation({ settings, policy, log }: RotationOptions): Promise<OpenedRotation> {
  const { rotation, policyFile } = settings;
  if (!rotation) throw new Error("no rotation is asked for");
  const { cron, where, keysFile } = rotation;
  const said: string[] = [];
  const write = (text: string) => said.push(text.trimEnd());
  const io = { stdout: { write }, stderr: { write }, isTerminal: false, now: Date.now };
  const given = { side: "upstream", keysFile, policyFile: policy && policyFile, unusedMs: undefined } as const;
  const upstream = await openUpstream({ io, flags: {}, args: [] }, given);
  const wrong = faultInCron(cron);
  const faults = wrong === undefined ? [] : [`${where} ${cron}: ${wrong}`];
  if (upstream.kind === "told") return { kind: "faulty", faults: [...said, ...faults] };
  if (faults.length > 0) return { kind: "faulty", faults };
  const { keys } = upstream;
  for (const line of [...said, ...(policy ? doubtsAbout(keys, policy, settings) : [])]) log.warn(line);
  const probe = new ModelListProbe({ apiUrl: keys.admin.apiUrl, timeoutMs: keys.admin.timeoutMs });
  await probe.load();
  return { kind: "open", start: (parts) => startWatch({ upstream, probe, cron, log, parts }) };
}

interface WatchParts {
  readonly upstream: Upstream;
  readonly probe: ModelListProbe;
  readonly cron: string;
  readonly log: Log;
  readonly parts: RotationParts;
}

function startWatch({ upstream, probe, cron, log, parts }: WatchParts): RotationWatch {
  const { keys, provider, variable } = upstream;
  const { journal, uses, clock, facts } = parts;
  const told = (workspace: string, line: string) => log.info(`key of ${workspace}: ${line}`);
  const rotating = rotatorsOf({ keys, provider, probe, journal, uses, clock, variable, told });
  const watch = new RotationWatch({ rotating, cron, clock, facts, log, random: Math.random });
  watch.start();
  const next = watch.nextAt()?.toISOString() ?? "never";
  log.info(
    `keys of ${plural(keys.upstream.size, "workspace")} are rotated as they are due; the next look is at ${next}`,
  );
  return watch;
}

/** Say where Envoy's door would go on with a key that rotation takes out of use. */
function doubtsAbout(keys: KeysFile, policy: Policy, { envoy }: ServeSettings): readonly string[] {
  if (!envoy) return [];
  return Array.from(keys.upstream).flatMap(([name, { sink }]) => {
    const place = policy.workspaces.get(name)?.upstreamKey;
    const isSame = place?.kind === "file" && (sink.kind !== "file" || sink.path === place.path);
    if (!place || isSame) return [];
    const from = place.kind === "file" ? `the file ${place.path}` : `the variable ${place.name}`;
    return [
      `workspaces.${name}.upstream_key is ${from}, and a rotated key goes elsewhere: Envoy's calls stay with the key before, which is then never revoked; let both name one file`,
    ];
  });
}
