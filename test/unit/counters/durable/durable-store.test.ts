import { chmodSync, linkSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { directoryDisk } from "../../../../src/counters/durable/directory-disk.js";
import type { Disk } from "../../../../src/counters/durable/disk.js";
import { openDurableStore } from "../../../../src/counters/durable/open-durable-store.js";
import { FakeClock } from "../../../support/fake-clock.js";
import { seededRandom24 } from "../../../support/seeded-random.js";
import { Stage } from "../../../support/stage.js";
import { journalsIn, openState, SaidLines, stateRoot } from "./state-directory.js";

const state = stateRoot();
afterAll(() => state.remove());

const START = "2026-03-10T12:00:00Z";
const limits = { "organization.tokens_per_day": 1_000, "roles.developer.tokens_per_minute": 100 };

async function stageIn(directory: string, at = START, options: Parameters<typeof openState>[1] = {}) {
  const { store, restored } = await openState(directory, options);
  return { store, restored, stage: new Stage(store, new FakeClock(at), { limits }) };
}

function sizeOf(directory: string): number {
  return journalsIn(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
}

async function faultOf(directory: string): Promise<string> {
  const opened = await openDurableStore({ directory, random: seededRandom24(9), log: new SaidLines() });
  return opened.kind === "faulty" ? opened.fault : "open";
}

describe("DurableStore", () => {
  it("writes nothing for what is refused, read, only asked, or told before", async () => {
    const directory = state.next();
    const { store, stage } = await stageIn(directory);
    const { grant } = await stage.admit({ input: 90, id: "job" });
    // That it came again is written once.
    await stage.admit({ input: 90, id: "job" });
    const before = sizeOf(directory);
    await stage.refuse({ input: 11 });
    await stage.admit({ input: 90, id: "job" });
    await stage.read();
    await stage.open();
    await stage.reserve({ dryRun: true });
    expect(await stage.settle({ reservation: "none" })).toEqual({ kind: "unknown" });
    expect(sizeOf(directory)).toBe(before);
    await stage.record({ reservation: grant.reservationId });
    const after = sizeOf(directory);
    expect(after).toBeGreaterThan(before);
    await stage.record({ reservation: grant.reservationId });
    expect(sizeOf(directory)).toBe(after);
    store.abandon();
  });

  it("lets no time and no calendar window go back, though the clock of the next process is behind", async () => {
    const directory = state.next();
    const first = await stageIn(directory, "2026-03-10T23:59:59Z");
    await first.stage.admit({ input: 9 });
    first.stage.clock.moveTo("2026-03-11T00:00:01Z");
    await first.stage.admit({ input: 4 });
    first.store.abandon();

    const second = await stageIn(directory, "2026-03-10T23:00:00Z");
    expect(second.restored.lastSeen).toBe(Date.parse("2026-03-11T00:00:01Z"));
    expect(await second.stage.counted()).toEqual({
      "organization.tokens_per_day": "0+4",
      "roles.developer.tokens_per_minute": "0+13",
    });
    second.store.abandon();
  });

  it("says what it restored, and keeps what it writes from others", async () => {
    const directory = state.next();
    const first = await stageIn(directory);
    await first.stage.admit();
    const bytes = sizeOf(directory);
    expect(readdirSync(directory).map((name) => statSync(join(directory, name)).mode & 0o077)).toEqual([0, 0]);
    expect(statSync(directory).mode & 0o077).toBe(0);
    first.store.abandon();
    const second = await stageIn(directory);
    expect(second.restored).toMatchObject({ counters: 2, open: 1, bytes });
    second.store.abandon();
  });

  it("grows no further than what lives, however much is changed", async () => {
    const directory = state.next();
    const { store, stage } = await stageIn(directory, START, { turnedBytes: 4_000 });
    let most = 0;
    for (let round = 0; round < 200; round++) {
      for (let i = 0; i < 5; i++) {
        const { grant } = await stage.admit();
        await stage.release(grant.reservationId, true);
      }
      store.sweep(100, stage.calendar, stage.clock.now());
      await store.sync();
      most = Math.max(most, sizeOf(directory));
    }
    expect(most).toBeLessThan(40_000);
    const counted = await stage.counted();
    await store.close();
    const again = await stageIn(directory);
    expect(await again.stage.counted()).toEqual(counted);
    again.store.abandon();
  });

  it("syncs what was answered within a second, unasked", async () => {
    let synced: (at: number) => void = () => undefined;
    const disk = (directory: string): Disk => {
      const real = directoryDisk(directory);
      const create: Disk["create"] = async (segment, head) => {
        const file = await real.create(segment, head);
        return { ...file, sync: () => file.sync().then(() => synced(performance.now())) };
      };
      return { ...real, create };
    };
    const { store, stage } = await stageIn(state.next(), START, { disk });
    for (let round = 0; round < 2; round++) {
      const syncing = new Promise<number>((resolve) => {
        synced = resolve;
      });
      const began = performance.now();
      await stage.admit();
      expect((await syncing) - began).toBeLessThan(1_000);
    }
    store.abandon();
  });
});

describe("a state directory", () => {
  it("is held by one process at a time, and free after a crash or an end", async () => {
    const directory = state.next();
    const first = await stageIn(directory);
    expect(await faultOf(directory)).toBe(
      `--state ${directory}: in use by process ${process.pid}; stop it, or give another directory`,
    );
    await first.store.close();
    expect(readdirSync(directory).filter((name) => name.startsWith("lock"))).toEqual([]);
    expect(await faultOf(directory)).toBe("open");
  });

  it("is had by one of many that come at once, also where a stale lock stands", async () => {
    const directory = state.next();
    mkdirSync(directory);
    // A socket file that nobody listens on is what a killed process leaves.
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(directory, "first"), resolve));
    linkSync(join(directory, "first"), join(directory, "lock"));
    await new Promise((resolve) => server.close(resolve));
    const opened = await Promise.all(
      Array.from({ length: 12 }, (_, seed) =>
        openDurableStore({ directory, random: seededRandom24(seed), log: new SaidLines() }),
      ),
    );
    expect(opened.filter(({ kind }) => kind === "open")).toHaveLength(1);
    for (const one of opened) if (one.kind === "open") one.store.abandon();
  });

  it("may have a path that is longer than that of a socket", async () => {
    const directory = join(state.next(), "long".repeat(40), "longer".repeat(30));
    expect(await faultOf(directory)).toBe("open");
  });

  it("that cannot be one is refused, with a way out", async () => {
    const file = state.next();
    writeFileSync(file, "");
    expect(await faultOf(file)).toBe(`--state ${file}: is no directory; give another path, or move the file away`);
    expect(await faultOf(join(file, "in"))).toMatch(/: a part of the path is no directory; give another path$/);
    expect(await faultOf("/proc/none")).toMatch(/^--state \/proc\/none: cannot be /);
  });

  it.skipIf(process.getuid?.() === 0)("that may not be written is refused", async () => {
    const directory = state.next();
    mkdirSync(directory);
    chmodSync(directory, 0o500);
    expect(await faultOf(directory)).toMatch(/: may not be written; /);
  });
});
