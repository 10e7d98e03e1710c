import { describe, expect, it } from "vitest";
import { fingerprintOf } from "../../../src/domain/fingerprint.js";
import { MemorySink } from "../../support/keys/memory-provider.js";
import { DAY, rotationStage } from "./rotation-stage.js";

const NOW = { begin: "now" } as const;
const MINUTE = 60_000;

describe("a rotation that fails", () => {
  it("takes a key that Mistral does not know at first", async () => {
    const stage = rotationStage();
    const rotator = stage.rotator();
    stage.provider.takesNewKeys = false;
    expect(await rotator.advance(NOW)).toMatchObject({ kind: "waiting", step: "store", mustStay: true });
    expect(await stage.rotator().advance(NOW)).toMatchObject({ kind: "waiting", step: undefined });
    stage.provider.takesNewKeys = true;
    expect(await rotator.advance(NOW)).toMatchObject({ kind: "waiting", step: "propagate" });
    expect(stage.provider.idOf(stage.sink.secret)).toBe("k2");
  });

  it("revokes a key that Mistral never takes, before any reader had it", async () => {
    const stage = rotationStage();
    const rotator = stage.rotator();
    stage.provider.takesNewKeys = false;
    await rotator.advance(NOW);
    stage.clock.advance(MINUTE);
    expect(await rotator.advance(NOW)).toMatchObject({
      kind: "undone",
      told: "key k2 was made, and Mistral does not take it: HTTP 401; it was revoked, and no other key was",
    });
    expect([stage.provider.alive(), stage.provider.idOf(stage.sink.secret)]).toEqual([["k1"], "k1"]);
    stage.provider.takesNewKeys = true;
    expect(await rotator.advance(NOW)).toMatchObject({ kind: "waiting", step: "propagate" });
  });

  it("puts the key before back where the new one is refused after it was stored", async () => {
    const stage = rotationStage();
    const rotator = stage.rotator();
    await rotator.advance(NOW);
    stage.provider.takesNewKeys = false;
    stage.clock.advance(MINUTE);
    expect(await rotator.advance(NOW)).toMatchObject({
      kind: "undone",
      told: "Mistral does not take key k2 any more: HTTP 401; it was revoked, and no other key was",
    });
    expect([stage.provider.alive(), stage.provider.idOf(stage.sink.secret)]).toEqual([["k1"], "k1"]);
  });

  it("makes another key where the one before cannot be put back, because another process knew it", async () => {
    const stage = rotationStage();
    await stage.rotator().advance(NOW);
    await stage.provider.revoke("k2");
    stage.clock.advance(MINUTE);
    expect(await stage.rotator().advance(NOW)).toMatchObject({ kind: "waiting", step: "propagate" });
    expect([stage.provider.alive(), stage.provider.idOf(stage.sink.secret)]).toEqual([["k1", "k3"], "k3"]);
    expect(stage.provider.names().at(-1)).toBe("dev-20261109T100000Z-0000-2");
  });

  it("finds a key by its name whose secret a crash has lost, revokes it and makes another", async () => {
    const stage = rotationStage();
    await stage.rotator().advance(NOW);
    const written = stage.journal.written[0] ?? "";
    stage.journal.texts.set("dev", written);
    stage.sink.secret = stage.old.secret;
    expect(await stage.rotator().advance(NOW)).toMatchObject({ kind: "waiting", step: "propagate" });
    expect(stage.provider.alive()).toEqual(["k1", "k3"]);
    expect(stage.told.at(-3)).toBe("revoked k2, made before and its secret lost");
  });

  it("revokes a key that a slow process has made after another had taken its place", async () => {
    const stage = rotationStage();
    await stage.rotator().advance(NOW);
    const late = stage.provider.seed(stage.provider.names().at(-1) ?? "none");
    const other = stage.provider.seed(`${stage.provider.names().at(-1)}-by-hand`);
    stage.clock.advance(MINUTE);
    expect(await stage.rotator().advance(NOW)).toMatchObject({ kind: "waiting", step: "retire" });
    expect(stage.provider.alive()).toEqual(["k1", "k2", other.id]);
    expect(stage.provider.alive()).not.toContain(late.id);
  });

  it("revokes no key that a slow process may still put into the sink", async () => {
    const stage = rotationStage();
    const sink = {
      place: "memory",
      read: () => stage.sink.read(),
      store: async (secret: string) => {
        stage.journal.letGo();
        expect(await stage.rotator().advance(NOW)).toMatchObject({ kind: "waiting", step: "propagate" });
        expect(stage.provider.idOf(stage.sink.secret)).toBe("k3");
        return stage.sink.store(secret);
      },
    };
    expect(await stage.rotator({ sink }).advance(NOW)).toMatchObject({ kind: "waiting", isTaken: true });
    expect(stage.readersCall()).toBe(true);
    stage.clock.advance(MINUTE);
    expect(await stage.rotator().advance(NOW)).toMatchObject({
      kind: "stuck",
      why: "memory no longer holds key k3, which this rotation put there",
    });
    expect(stage.provider.alive()).toEqual(["k1", "k2", "k3"]);
  });

  it("leaves all as it is where the sink cannot be written, and goes on once it can", async () => {
    const stage = rotationStage();
    const rotator = stage.rotator();
    stage.sink.fails = "its disk is full";
    expect(await rotator.advance(NOW)).toMatchObject({
      kind: "stuck",
      step: "store",
      why: "memory could not be given key k2: its disk is full",
    });
    stage.sink.fails = undefined;
    expect(await rotator.advance(NOW)).toMatchObject({ kind: "waiting", step: "propagate" });
    expect(stage.provider.names()).toHaveLength(2);
  });

  it("does not overwrite a key that somebody put into the sink meanwhile", async () => {
    const stage = rotationStage();
    const rotator = stage.rotator();
    stage.provider.takesNewKeys = false;
    await rotator.advance(NOW);
    const other = stage.provider.seed("by-hand");
    stage.sink.secret = other.secret;
    expect(await rotator.advance(NOW)).toMatchObject({ kind: "undone" });
    expect([stage.provider.alive(), stage.sink.secret]).toEqual([["k1", other.id], other.secret]);
  });

  it("revokes nothing while the sink holds another key than it was given", async () => {
    const stage = rotationStage();
    const rotator = stage.rotator();
    await rotator.advance(NOW);
    stage.sink.secret = stage.old.secret;
    stage.clock.advance(MINUTE);
    expect(await rotator.advance(NOW)).toMatchObject({
      kind: "stuck",
      why: "memory no longer holds key k2, which this rotation put there",
    });
    expect(await stage.rotator().advance({ begin: "now", retireAnyway: true })).toMatchObject({ kind: "stuck" });
    expect(stage.provider.alive()).toEqual(["k1", "k2"]);
  });

  it.each([
    ["unknown", "waiting"],
    ["unavailable", "stuck"],
    ["refused", "stuck"],
  ] as const)("is %s to the provider: %s, and begins no record", async (kind, outcome) => {
    const stage = rotationStage();
    stage.provider.fault = { kind, why: "HTTP 4xx; ask somebody" };
    expect(await stage.rotator().advance(NOW)).toMatchObject({ kind: outcome, why: "HTTP 4xx; ask somebody" });
    expect(stage.journal.written).toEqual([]);
  });

  it("does not begin where it cannot tell which key the sink holds", async () => {
    const stage = rotationStage();
    stage.sink.secret = "a key of another organization";
    expect(await stage.rotator().advance(NOW)).toMatchObject({
      kind: "stuck",
      why: "none of the keys that Mistral lists in its workspace m-dev may be the one in use",
    });
    expect(await stage.rotator().plan({ ...NOW, oldKey: "k1" })).toMatchObject({
      rotation: { leaving: [{ id: "k1" }] },
    });
    expect(await stage.rotator().plan({ ...NOW, oldKey: "none" })).toMatchObject({ rotation: { leaving: [] } });
    expect(await stage.rotator().plan({ ...NOW, oldKey: "k9" })).toMatchObject({ kind: "stuck" });
  });

  it("tells keys of the same look apart by what the last rotation left", async () => {
    const stage = rotationStage();
    stage.provider.seed("twin");
    const twin = `${stage.old.secret.slice(0, 4)}${"y".repeat(20)}${stage.old.secret.slice(-4)}`;
    stage.sink.secret = twin;
    const ended = { version: 1, step: "ended", workspace: "dev", outcome: "done", at: 0 };
    const key = { id: "k2", fingerprint: fingerprintOf(twin) };
    stage.journal.texts.set("dev", JSON.stringify({ ...ended, key }));
    expect(await stage.rotator().plan(NOW)).toMatchObject({ rotation: { leaving: [{ id: "k2" }] } });
  });

  it("revokes no key that the sink of another workspace holds too, whoever decides", async () => {
    const stage = rotationStage();
    const other = new MemorySink();
    other.secret = stage.old.secret;
    const otherSinks = [other];
    await stage.rotator().advance(NOW);
    stage.clock.advance(MINUTE);
    const anyway = { ...NOW, retireAnyway: true };
    expect(await stage.rotator({ otherSinks }).advance(anyway)).toMatchObject({
      kind: "waiting",
      why: "key k1 is in memory too, and stays until that is rotated",
    });
    expect(stage.provider.alive()).toEqual(["k1", "k2"]);
    other.secret = stage.sink.secret;
    expect(await stage.rotator({ otherSinks }).advance(anyway)).toMatchObject({ kind: "done" });
  });

  it("revokes nothing while it cannot see whether another workspace's sink holds it, unless a person decides", async () => {
    const stage = rotationStage();
    const other = new MemorySink();
    other.givesBack = false;
    const otherSinks = [other];
    await stage.rotator().advance(NOW);
    stage.clock.advance(MINUTE);
    await stage.rotator().advance(NOW);
    stage.clock.advance(DAY);
    stage.readersCall();
    expect(await stage.rotator({ otherSinks }).advance(NOW)).toMatchObject({
      kind: "waiting",
      step: "retire",
      why: "whether memory holds key k1 too cannot be told: it gives nothing back; once you know, say so by --retire-anyway",
    });
    expect(stage.provider.alive()).toEqual(["k1", "k2"]);
    const anyway = { ...NOW, retireAnyway: true };
    expect(await stage.rotator({ otherSinks }).advance(anyway)).toMatchObject({ kind: "done" });
  });

  it("does not take a person's word for a key in use where another one is seen there", async () => {
    const stage = rotationStage();
    const other = stage.provider.seed("other");
    expect(await stage.rotator().advance({ ...NOW, oldKey: other.id })).toMatchObject({
      kind: "stuck",
      step: undefined,
      why: "the sink holds key k1, by what Mistral shows of it, and not k2",
    });
    expect(stage.journal.written).toEqual([]);
  });

  it("looks again after the clock was put back", async () => {
    const stage = rotationStage();
    await stage.rotator().advance(NOW);
    stage.clock.advance(MINUTE);
    await stage.rotator().advance(NOW);
    stage.clock.advance(DAY);
    stage.readersCall();
    const provider = { ...bound(stage), revoke: () => Promise.reject(new Error("killed")) };
    await expect(stage.rotator({ provider }).advance(NOW)).rejects.toThrow("killed");
    stage.clock.advance(-MINUTE);
    stage.provider.use(stage.old.secret);
    expect(await stage.rotator().advance(NOW)).toMatchObject({ kind: "waiting", step: "retire" });
    expect(stage.provider.alive()).toEqual(["k1", "k2"]);
  });

  it("does not ask for ever where the list goes on telling of a key that was revoked", async () => {
    const stage = rotationStage();
    await stage.rotator().advance(NOW);
    stage.journal.texts.set("dev", stage.journal.written[0] ?? "");
    stage.sink.secret = stage.old.secret;
    const before = await stage.provider.list();
    let lists = 0;
    const provider = {
      ...bound(stage),
      list: async () => {
        lists += 1;
        return lists > 20 ? Promise.reject(new Error("asked for ever")) : before;
      },
    };
    expect(await stage.rotator({ provider }).advance(NOW)).toMatchObject({ kind: "waiting", step: "propagate" });
    expect(stage.provider.alive()).toEqual(["k1", "k3"]);
  });

  it("looks again before it revokes what it had found unused before a crash", async () => {
    const stage = rotationStage();
    await stage.rotator().advance(NOW);
    stage.clock.advance(MINUTE);
    await stage.rotator().advance(NOW);
    stage.clock.advance(DAY);
    stage.readersCall();
    const provider = { ...bound(stage), revoke: () => Promise.reject(new Error("killed")) };
    await expect(stage.rotator({ provider }).advance(NOW)).rejects.toThrow("killed");
    stage.clock.advance(DAY);
    stage.provider.use(stage.old.secret);
    expect(await stage.rotator().advance(NOW)).toMatchObject({ kind: "waiting", step: "retire" });
    expect(stage.provider.alive()).toEqual(["k1", "k2"]);
  });
});

describe("a sink that gives nothing back", () => {
  it("is rotated all the same, once a person has said which key it holds", async () => {
    const stage = rotationStage();
    stage.sink.givesBack = false;
    const rule = { ...stage.options.rule, sink: { kind: "command", argv: ["put"] } } as const;
    expect(await stage.rotator({ rule }).advance(NOW)).toMatchObject({ kind: "stuck" });
    const ask = { ...NOW, oldKey: "k1" };
    await stage.rotator({ rule }).advance(ask);
    stage.clock.advance(MINUTE);
    await stage.rotator({ rule }).advance(NOW);
    stage.clock.advance(DAY);
    stage.readersCall();
    expect(await stage.rotator({ rule }).advance(NOW)).toMatchObject({ kind: "done" });
    expect(stage.provider.alive()).toEqual(["k2"]);
    expect(await stage.rotator({ rule }).plan(NOW)).toMatchObject({ rotation: { leaving: [{ id: "k2" }] } });
  });

  it("may hold a key that it did not say it took, which is not revoked then", async () => {
    const stage = rotationStage();
    const taking = new MemorySink();
    taking.givesBack = false;
    const sink = {
      place: "memory",
      store: async (secret: string) => {
        await taking.store(secret);
        return { kind: "failed", why: "no answer in time" } as const;
      },
      read: () => taking.read(),
    };
    const rule = { ...stage.options.rule, sink: { kind: "command", argv: ["put"] } } as const;
    let isHeard = true;
    const probe = {
      verify: async (secret: string) =>
        isHeard ? stage.provider.verify(secret) : ({ kind: "unknown", why: "no answer" } as const),
    };
    const rotator = stage.rotator({ rule, sink, probe });
    expect(await rotator.advance({ ...NOW, oldKey: "k1" })).toMatchObject({ kind: "stuck", step: "store" });
    stage.clock.advance(10 * MINUTE);
    isHeard = false;
    expect(await rotator.advance(NOW)).toMatchObject({ kind: "waiting", step: "store" });
    expect([stage.provider.use(taking.secret), stage.provider.alive()]).toEqual([true, ["k1", "k2"]]);
  });

  it("is waited for where it is one that gives back, and does not now", async () => {
    const stage = rotationStage();
    await stage.rotator().advance(NOW);
    stage.sink.givesBack = false;
    stage.clock.advance(MINUTE);
    expect(await stage.rotator().advance(NOW)).toMatchObject({ kind: "waiting", why: "it gives nothing back" });
  });
});

function bound({ provider }: ReturnType<typeof rotationStage>) {
  return {
    list: () => provider.list(),
    create: (order: Parameters<typeof provider.create>[0]) => provider.create(order),
    revoke: (id: string) => provider.revoke(id),
  };
}
