import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KeyRotator, RotationResult, RotatorOptions } from "../../../src/app/rotate-key.js";
import type { Holding } from "../../../src/app/rotation-ports.js";
import { DAY, type RotationStage, rotationStage } from "./rotation-stage.js";

const MINUTE = 60_000;

class Killed extends Error {}

/** When a process is killed: at its how manieth call of a port, and whether that was still carried out. */
interface Death {
  readonly at: number;
  readonly isDone: boolean;
}

/** The ports of a process that dies as it is told, and everything watched after each call. */
function mortal(stage: RotationStage, death: Death | undefined, watch: () => void): Partial<RotatorOptions> {
  let calls = 0;
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    const dies = death?.at === calls++;
    if (dies && !death.isDone) throw new Killed();
    const result = await work();
    watch();
    if (dies) throw new Killed();
    return result;
  };
  const { provider, sink, journal } = stage;
  const holding = async (workspace: string): Promise<Holding> => {
    const held = await journal.hold(workspace);
    if (held.kind !== "held") return held;
    const { hold } = held;
    return { kind: "held", hold: { ...hold, write: (text) => call(() => hold.write(text)) } };
  };
  return {
    provider: {
      list: () => call(() => provider.list()),
      create: (order) => call(() => provider.create(order)),
      revoke: (id) => call(() => provider.revoke(id)),
    },
    sink: { place: "memory", read: () => call(() => sink.read()), store: (secret) => call(() => sink.store(secret)) },
    probe: { verify: (secret) => call(() => provider.verify(secret)) },
    journal: { place: "the journal", hold: holding, look: (workspace) => journal.look(workspace) },
  };
}

/** What a run is held to, after every call of every port. */
function watcher(stage: RotationStage) {
  let oldUsedAt = stage.clock.now();
  return {
    lateReaderCalls: () => {
      if (stage.provider.use(stage.old.secret)) oldUsedAt = stage.clock.now();
    },
    watch: () => {
      const alive = stage.provider.alive();
      const inSink = stage.provider.idOf(stage.sink.secret) ?? "none";
      expect(alive).toContain(inSink);
      // Five minutes: so long it holds that a key was found out of use.
      if (stage.clock.now() < oldUsedAt + DAY - 5 * MINUTE) expect(alive).toContain("k1");
    },
  };
}

async function goOn(stage: RotationStage, rotator: KeyRotator): Promise<RotationResult | undefined> {
  try {
    return await rotator.advance({ begin: "now" });
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    stage.journal.letGo();
    return undefined;
  }
}

const death = fc.record({ at: fc.nat(14), isDone: fc.boolean() });
const event = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("run" as const), death: fc.option(death, { nil: undefined }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("time" as const), ms: fc.constantFrom(MINUTE, 60 * MINUTE, DAY) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "readers" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "late reader" as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("sink" as const), fails: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("provider" as const), answers: fc.boolean() }) },
);

describe("a rotation whose process is killed again and again", () => {
  it("keeps a key that works in the sink, the key before alive until it is unused, and comes to its end", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 40 }), async (events) => {
        const stage = rotationStage();
        const { watch, lateReaderCalls } = watcher(stage);
        let results = 0;
        for (const one of events) {
          if (one.kind === "time") stage.clock.advance(one.ms);
          if (one.kind === "readers") expect(stage.readersCall()).toBe(true);
          if (one.kind === "late reader") lateReaderCalls();
          if (one.kind === "sink") stage.sink.fails = one.fails ? "full" : undefined;
          if (one.kind === "provider")
            stage.provider.fault = one.answers ? undefined : { kind: "unknown", why: "late" };
          if (one.kind === "run") {
            const rotator = stage.rotator(mortal(stage, one.death, watch));
            const result = await goOn(stage, rotator);
            await rotator.close();
            if (result?.kind === "done") results++;
          }
          if (results > 0) break;
          watch();
        }
        stage.sink.fails = undefined;
        stage.provider.fault = undefined;
        for (let round = 0; results === 0; round++) {
          expect(round).toBeLessThan(12);
          const result = await goOn(stage, stage.rotator(mortal(stage, undefined, watch)));
          if (result?.kind === "done") results++;
          stage.clock.advance(DAY);
          stage.readersCall();
        }
        expect(stage.provider.alive()).toEqual([stage.provider.idOf(stage.sink.secret)]);
        const said = JSON.stringify([stage.told, stage.journal.written]);
        expect(stage.provider.secrets().filter((secret) => said.includes(secret))).toEqual([]);
      }),
    );
  });

  it("comes to its end whichever call of a port was its last, twice over", async () => {
    for (let at = 0; at < 30; at++) {
      for (const isDone of [false, true]) {
        const stage = rotationStage();
        const { watch } = watcher(stage);
        let outcome: RotationResult | undefined;
        for (let round = 0; outcome?.kind !== "done"; round++) {
          expect(round, `killed at call ${at}`).toBeLessThan(12);
          const dies = round < 2 ? { at: round === 0 ? at : 2, isDone } : undefined;
          outcome = await goOn(stage, stage.rotator(mortal(stage, dies, watch)));
          stage.clock.advance(round < 3 ? MINUTE : DAY);
          expect(stage.readersCall()).toBe(true);
        }
        expect(stage.provider.alive()).toEqual([stage.provider.idOf(stage.sink.secret)]);
      }
    }
  });
});
