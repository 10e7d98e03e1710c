import { KeyRotator, type RotatorOptions } from "../../../src/app/rotate-key.js";
import { fingerprintOf } from "../../../src/domain/fingerprint.js";
import type { EpochMs, Millis } from "../../../src/domain/units.js";
import { FakeClock } from "../../support/fake-clock.js";
import { MemoryJournal } from "../../support/keys/memory-journal.js";
import { MemoryProvider, MemorySink } from "../../support/keys/memory-provider.js";

const MINUTE: Millis = 60_000;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A workspace whose sink holds the key k1, a hundred days old, and its readers. */
export function rotationStage() {
  const clock = new FakeClock("2026-08-01T10:00:00Z");
  const provider = new MemoryProvider(clock);
  const old = provider.seed("dev-by-hand");
  clock.moveTo("2026-11-09T10:00:00Z");
  const sink = new MemorySink();
  sink.secret = old.secret;
  const journal = new MemoryJournal();
  const told: string[] = [];
  /** What Windbreak saw; undefined: it is not asked. */
  const seen: { uses: Map<string, EpochMs> | undefined; since: EpochMs } = { uses: undefined, since: 0 };
  const options: RotatorOptions = {
    workspace: "dev",
    rule: { workspace: "m-dev", owner: undefined, name: "dev", sink: { kind: "file", path: "/key", mode: undefined } },
    times: { everyMs: 90 * DAY, propagateMs: MINUTE, graceMs: DAY },
    provider,
    sink,
    probe: provider,
    uses: undefined,
    clock,
    journal,
    otherSinks: [],
    random: (count) => new Uint8Array(count),
    told: (line) => told.push(line),
  };
  const uses: RotatorOptions["uses"] = {
    read: async () => ({
      kind: "uses",
      since: seen.since,
      uses: Array.from(seen.uses ?? [], ([id, lastUsed]) => ({ id, lastUsed })),
    }),
  };
  return {
    ...{ clock, provider, sink, journal, told, options, old, seen },
    /** A rotator as a process has it that has just begun. */
    rotator: (other: Partial<RotatorOptions> = {}) => new KeyRotator({ ...options, uses: seen.uses && uses, ...other }),
    /** Readers call Mistral with what the sink holds, through Windbreak where it looks. */
    readersCall: () => {
      if (sink.secret !== undefined) seen.uses?.set(fingerprintOf(sink.secret), clock.now());
      return provider.use(sink.secret);
    },
  };
}

export type RotationStage = ReturnType<typeof rotationStage>;
