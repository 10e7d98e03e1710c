import { afterAll, describe, expect, it } from "vitest";
import { directoryDisk } from "../../../../src/counters/durable/directory-disk.js";
import type { Disk } from "../../../../src/counters/durable/disk.js";
import { FakeClock } from "../../../support/fake-clock.js";
import { Stage } from "../../../support/stage.js";
import { copyJournals, openState, SaidLines, stateRoot } from "./state-directory.js";

const state = stateRoot();
afterAll(() => state.remove());

const START = "2026-03-10T12:00:00Z";
const limits = { "organization.tokens_per_month": 1_000, "roles.developer.concurrent_requests": 9 };

/** A disk whose files fail with a code while there is one, after writing so many of the bytes. */
class Failing {
  code: string | undefined;
  written = 0;

  readonly disk = (directory: string): Disk => {
    const real = directoryDisk(directory);
    return {
      ...real,
      create: async (segment, head) => {
        if (this.code === "ENOSPC") throw this.#error();
        const file = await real.create(segment, head);
        return {
          ...file,
          write: (bytes, length, at) => {
            if (this.code === undefined) return file.write(bytes, length, at);
            file.write(bytes, Math.min(this.written, length), at);
            throw this.#error();
          },
          sync: async () => {
            if (this.code === "EIO") throw this.#error();
            await file.sync();
          },
        };
      },
    };
  };

  #error(): Error {
    return Object.assign(new Error(`${this.code}: a write failed`), { code: this.code });
  }
}

async function failingStage() {
  const directory = state.next();
  const failing = new Failing();
  const log = new SaidLines();
  const { store } = await openState(directory, { disk: failing.disk, log });
  const stage = new Stage(store, new FakeClock(START), { limits });
  const sweep = () => store.sweep(100, stage.calendar, stage.clock.now());
  return { directory, failing, log, store, stage, sweep };
}

describe.each(["ENOSPC", "EIO"])("a disk that fails with %s", (code) => {
  it("makes no change that it cannot keep, of any kind, and reads go on", async () => {
    const { failing, store, stage } = await failingStage();
    const open = await stage.admit({ input: 5 });
    const before = await stage.counted();
    failing.code = code;
    failing.written = 9;
    await expect(stage.admit({ as: "bob" })).rejects.toThrow("the store is away");
    await expect(stage.record({ reservation: open.grant.reservationId })).rejects.toThrow("the store is away");
    await expect(stage.release(open.grant.reservationId)).rejects.toThrow("the store is away");
    await expect(stage.charge({ request: "r" })).rejects.toThrow("the store is away");
    expect(store.reserve(stage.reserveOf())).toMatchObject({ kind: "away", cause: { code } });
    expect(await stage.counted()).toEqual(before);
    expect(await stage.open()).toHaveLength(1);
    expect(store.isUp).toBe(false);
    store.abandon();
  });

  it("is gone on with as soon as a write succeeds, and each change is told once", async () => {
    const { directory, failing, log, store, stage, sweep } = await failingStage();
    const open = await stage.admit({ input: 5 });
    failing.code = code;
    failing.written = 9;
    for (let i = 0; i < 3; i++) await expect(stage.admit({ as: `caller-${i}` })).rejects.toThrow("the store is away");
    sweep();
    expect(store.isUp).toBe(false);
    failing.code = undefined;
    sweep();
    expect(store.isUp).toBe(true);
    await stage.admit({ as: "bob", input: 2 });
    await stage.record({ reservation: open.grant.reservationId, usage: { inputTokens: 4 } });
    expect(log.lines).toEqual([
      expect.stringContaining("changes cannot be written"),
      expect.stringContaining("changes are written again"),
    ]);

    const copy = state.next();
    copyJournals(directory, copy);
    const said = new SaidLines();
    const { store: again } = await openState(copy, { log: said });
    const restored = new Stage(again, stage.clock, { limits });
    expect(await restored.counted()).toEqual(await stage.counted());
    expect(await restored.counted({ as: "bob" })).toEqual(await stage.counted({ as: "bob" }));
    expect(said.lines).toEqual([]);
    again.abandon();
    store.abandon();
  });
});

it("a disk that cannot sync is told once, and what lives is written anew", async () => {
  const { directory, failing, log, store, stage, sweep } = await failingStage();
  await stage.admit({ input: 5 });
  sweep();
  await store.sync();
  failing.code = "EIO";
  await store.sync();
  await store.sync();
  failing.code = undefined;
  for (let i = 0; i < 4; i++) {
    sweep();
    await store.sync();
  }
  expect(log.lines).toEqual([
    expect.stringContaining("not yet safe from a power cut"),
    expect.stringContaining("safe from a power cut again"),
  ]);
  await store.close();
  const { store: again } = await openState(directory);
  expect(await new Stage(again, stage.clock, { limits }).counted()).toEqual(await stage.counted());
  again.abandon();
});
