import { randomBytes } from "node:crypto";
import type { KeyProbe, KeyProvider, KeyUses } from "../app/key-ports.js";
import type { Clock } from "../app/ports.js";
import { KeyRotator } from "../app/rotate-key.js";
import type { RotationJournal } from "../app/rotation-ports.js";
import { isWriteOnly } from "../app/rotation-step.js";
import type { KeysFile, UpstreamRule } from "../domain/keys-file.js";
import { openSink } from "../keys/sinks/open-sink.js";

export interface RotatorsOptions {
  readonly keys: KeysFile;
  readonly provider: KeyProvider;
  readonly probe: KeyProbe;
  readonly journal: RotationJournal;
  readonly uses: KeyUses | undefined;
  readonly clock: Clock;
  readonly variable: (name: string) => string | undefined;
  /** Told of each change, in one line. */
  readonly told: (workspace: string, line: string) => void;
}

/** One workspace's key, and what rotates it. */
export interface Rotating {
  readonly workspace: string;
  readonly rule: UpstreamRule;
  /** Where its key is kept, for a person. */
  readonly place: string;
  readonly rotator: KeyRotator;
}

/** Make what rotates the keys of a keys file, by workspace. */
export function rotatorsOf(options: RotatorsOptions): readonly Rotating[] {
  const { keys, provider, probe, journal, uses, clock, variable, told } = options;
  const { timeoutMs } = keys.admin;
  const sinks = Array.from(keys.upstream, ([workspace, rule]) => {
    return { workspace, rule, sink: openSink(rule.sink, { variable, timeoutMs }) };
  });
  return sinks.map(({ workspace, rule, sink }) => {
    const otherSinks = sinks.flatMap((other) => (other.sink === sink || isWriteOnly(other.rule) ? [] : [other.sink]));
    const rotator = new KeyRotator({
      ...{ workspace, rule, times: keys.rotation, provider, sink, otherSinks, probe, uses, clock, journal },
      random: randomBytes,
      told: (line) => told(workspace, line),
    });
    return { workspace, rule, place: sink.place, rotator };
  });
}
