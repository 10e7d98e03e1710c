import { describe, expect, it } from "vitest";
import type { KeyProvider } from "../../../src/app/key-ports.js";
import { DAY, rotationStage } from "./rotation-stage.js";

const NOW = { begin: "now" } as const;
const MINUTE = 60_000;

describe("a rotation", () => {
  it("makes, stores, waits for readers, tries, waits for use, and revokes the key before", async () => {
    const stage = rotationStage();
    const rotator = stage.rotator();
    expect(await rotator.advance(NOW)).toMatchObject({ kind: "waiting", step: "propagate", mustStay: false });
    expect(stage.provider.idOf(stage.sink.secret)).toBe("k2");
    stage.clock.advance(MINUTE);
    expect(await rotator.advance(NOW)).toMatchObject({
      kind: "waiting",
      step: "retire",
      why: "the new key k2 was not seen in use yet",
    });
    stage.clock.advance(2 * MINUTE);
    stage.readersCall();
    expect(await rotator.advance(NOW)).toMatchObject({ kind: "waiting", step: "retire" });
    expect(stage.provider.alive()).toEqual(["k1", "k2"]);
    stage.clock.advance(DAY);
    expect(await rotator.advance(NOW)).toMatchObject({ kind: "done", told: "key k2 is in force, and k1 revoked" });
    expect(stage.provider.alive()).toEqual(["k2"]);
    expect(stage.provider.names()).toEqual(["dev-by-hand", "dev-20261109T100000Z-0000"]);
    expect(stage.told).toEqual([
      "made key k2, named dev-20261109T100000Z-0000",
      "stored key k2 in memory",
      "readers have had time to take up the new key",
      "key k2 works",
      "k2 is in use, and k1 not any more",
      "key k2 is in force, and k1 revoked",
    ]);
  });

  it("counts the grace time anew from each use of the key before", async () => {
    const stage = rotationStage();
    const rotator = stage.rotator();
    await rotator.advance(NOW);
    stage.clock.advance(MINUTE);
    await rotator.advance(NOW);
    stage.clock.advance(DAY - MINUTE);
    stage.readersCall();
    stage.provider.use(stage.old.secret);
    const until = stage.clock.now() + DAY;
    stage.clock.advance(2 * MINUTE);
    expect(await rotator.advance(NOW)).toMatchObject({
      kind: "waiting",
      why: "key k1 may have been used until 2026-11-10T10:00:00.000Z, and is revoked 24h after its last use",
    });
    stage.clock.moveTo(until);
    expect(await rotator.advance(NOW)).toMatchObject({ kind: "done" });
  });

  it("is due by the age of the key, and says when where it is not", async () => {
    const stage = rotationStage();
    stage.clock.moveTo("2026-08-02T10:00:00Z");
    const created = Date.parse("2026-08-01T10:00:00Z");
    expect(await stage.rotator().advance({ begin: "due" })).toMatchObject({
      kind: "rests",
      dueAt: created + 90 * DAY,
      createdAt: created,
    });
    stage.clock.moveTo(created + 90 * DAY);
    expect(await stage.rotator().advance({ begin: "due" })).toMatchObject({ kind: "waiting", step: "propagate" });
    expect(await stage.rotator().advance({ begin: "never" })).toMatchObject({ kind: "waiting", step: "propagate" });
  });

  it("says what it would do, and changes nothing", async () => {
    const stage = rotationStage();
    expect(await stage.rotator().plan(NOW)).toMatchObject({
      kind: "begins",
      rotation: { name: "dev-20261109T100000Z-0000", leaving: [{ id: "k1" }] },
    });
    expect([stage.provider.alive(), stage.journal.written]).toEqual([["k1"], []]);
    await stage.rotator().advance(NOW);
    expect(await stage.rotator().plan(NOW)).toMatchObject({ kind: "goes on", rotation: { step: "propagate" } });
  });

  it("makes the first key of a sink that holds none, and revokes no other", async () => {
    const stage = rotationStage();
    stage.sink.secret = undefined;
    await stage.rotator().advance(NOW);
    stage.clock.advance(MINUTE);
    expect(await stage.rotator().advance(NOW)).toMatchObject({ kind: "done", told: "key k2 is in force" });
    expect(stage.provider.alive()).toEqual(["k1", "k2"]);
  });

  it("is one process's at a time", async () => {
    const stage = rotationStage();
    await stage.journal.hold("dev");
    expect(await stage.rotator().advance(NOW)).toMatchObject({
      kind: "waiting",
      step: undefined,
      why: "process 4711 is rotating this key now",
    });
    expect(stage.provider.alive()).toEqual(["k1"]);
  });

  it("does nothing more once another process has taken it over", async () => {
    const stage = rotationStage();
    const provider: KeyProvider = {
      list: () => stage.provider.list(),
      revoke: (id) => stage.provider.revoke(id),
      create: async (order) => {
        const made = await stage.provider.create(order);
        stage.journal.letGo();
        await stage.journal.hold("dev");
        return made;
      },
    };
    expect(await stage.rotator({ provider }).advance(NOW)).toMatchObject({ kind: "waiting", step: undefined });
    expect(stage.provider.idOf(stage.sink.secret)).toBe("k1");
    expect(stage.journal.written).toHaveLength(1);
  });

  it("writes no secret down, and tells none", async () => {
    const stage = rotationStage();
    const rotator = stage.rotator();
    const results = [await rotator.advance(NOW)];
    stage.clock.advance(MINUTE);
    results.push(await rotator.advance(NOW));
    stage.clock.advance(DAY);
    stage.readersCall();
    results.push(await rotator.advance(NOW));
    const said = JSON.stringify([results, stage.told, stage.journal.written]);
    expect(stage.provider.secrets().filter((secret) => said.includes(secret))).toEqual([]);
    expect(said).toContain("fingerprint");
  });

  it("does not take a damaged record for none", async () => {
    const stage = rotationStage();
    stage.journal.texts.set("dev", '{"version":1,"step":"crea');
    expect(await stage.rotator().advance(NOW)).toMatchObject({
      kind: "stuck",
      why: "what the journal holds of this workspace's rotation cannot be read, so it is not known whether one is under way",
    });
    expect(await stage.rotator().plan(NOW)).toMatchObject({ kind: "stuck" });
    expect(stage.provider.alive()).toEqual(["k1"]);
    expect(await stage.rotator().abandon()).toMatchObject({ kind: "done" });
    expect(await stage.rotator().advance(NOW)).toMatchObject({ kind: "waiting", step: "propagate" });
  });

  it("is ended by a person where it stands, and leaves all keys as they are", async () => {
    const stage = rotationStage();
    await stage.rotator().advance(NOW);
    expect(await stage.rotator().abandon()).toMatchObject({
      kind: "done",
      told: "the rotation was ended; keys k1, k2 are left as they are",
    });
    expect(stage.provider.alive()).toEqual(["k1", "k2"]);
    expect(await stage.rotator().abandon()).toMatchObject({ kind: "rests" });
  });

  it("says which key may have been made unseen where it is ended before it knows of one", async () => {
    const stage = rotationStage();
    await stage.rotator().advance(NOW);
    stage.journal.texts.set("dev", stage.journal.written[0] ?? "");
    expect(await stage.rotator().abandon()).toMatchObject({
      kind: "done",
      told: "the rotation was ended; key k1 is left as it is; a key named dev-20261109T100000Z-0000 may have been made: look for it by windbreak keys list --upstream, and revoke it",
    });
  });
});
