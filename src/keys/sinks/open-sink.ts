import type { SecretSink } from "../../app/key-ports.js";
import type { SinkPlace } from "../../domain/keys-file.js";
import type { Millis } from "../../domain/units.js";
import { CommandSink } from "./command-sink.js";
import { FileSink } from "./file-sink.js";
import { KubernetesSink } from "./kubernetes-sink.js";
import { VaultSink } from "./vault-sink.js";

export interface SinkOptions {
  /** Reads an environment variable; undefined where it is not set. */
  readonly variable: (name: string) => string | undefined;
  /** How long one answer or one run of a command may take; 10 s when left out. */
  readonly timeoutMs?: Millis;
}

const TIMEOUT_MS: Millis = 10_000;

/** Make the sink of a place. Nothing is touched before it is asked. */
export function openSink(place: SinkPlace, options: SinkOptions): SecretSink {
  const { variable, timeoutMs = TIMEOUT_MS } = options;
  switch (place.kind) {
    case "file":
      return new FileSink(place);
    case "kubernetes":
      return new KubernetesSink(place, { timeoutMs });
    case "vault":
      return new VaultSink(place, { timeoutMs, variable });
    case "command":
      return new CommandSink(place, { timeoutMs, variable });
  }
}
