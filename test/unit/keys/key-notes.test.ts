import { describe, expect, it } from "vitest";
import type { KeyUseStore } from "../../../src/app/key-use-ports.js";
import type { SeenUse } from "../../../src/domain/key-use.js";
import { KeyNotes } from "../../../src/keys/key-notes.js";
import { UsesHere } from "../../../src/keys/uses-here.js";
import { eventually } from "../../support/eventually.js";
import { FakeClock } from "../../support/fake-clock.js";

const START = Date.parse("2026-11-29T12:00:00Z");
const AWAY = { kind: "away", cause: new Error("gone") } as const;

/** Notes over a store that can be away, and what each flush sent. */
function noting() {
  const clock = new FakeClock("2026-11-29T12:00:00Z");
  const kept = new UsesHere({ clock, failed: () => {} });
  const sent: (readonly SeenUse[])[] = [];
  const state = { isAway: false };
  const store: KeyUseStore = {
    keep: (uses) => {
      if (state.isAway) return AWAY;
      sent.push(uses);
      return kept.keep(uses);
    },
    read: () => (state.isAway ? AWAY : kept.read()),
  };
  return { clock, sent, state, notes: new KeyNotes({ store, clock, flushMs: 5 }) };
}

describe("notes of keys in use", () => {
  it("are read by kind, with the last use of each key", async () => {
    const { notes, clock } = noting();
    notes.caller("3fK9mQ2x", "ab");
    notes.upstream("dev", "f1");
    notes.upstream("lab", "f1");
    clock.advance(1_000);
    notes.caller("3fK9mQ2x", "ab");
    notes.upstream("lab", "f1");
    expect(await notes.read("caller")).toEqual({
      kind: "uses",
      since: START,
      uses: [{ id: "3fK9mQ2x", lastUsed: START + 1_000 }],
    });
    expect(await notes.read("upstream")).toEqual({
      kind: "uses",
      since: START,
      uses: [{ id: "f1", lastUsed: START + 1_000 }],
    });
  });

  it("are sent once, and again where their key was used again", async () => {
    const { notes, clock, sent } = noting();
    notes.caller("a", "1");
    notes.caller("b", "2");
    await notes.flush();
    clock.advance(1);
    notes.caller("b", "2");
    await notes.flush();
    await notes.flush();
    expect(sent.map((uses) => uses.map(({ key }) => key.kind === "caller" && key.id))).toEqual([["a", "b"], ["b"], []]);
  });

  it("tell a workspace's key from the one that it had before, though no flush came in between", async () => {
    const { notes, clock } = noting();
    notes.upstream("dev", "old");
    clock.advance(10);
    notes.upstream("dev", "new");
    const read = await notes.read("upstream");
    expect(read.kind === "uses" && read.uses).toEqual([
      { id: "new", lastUsed: START + 10 },
      { id: "old", lastUsed: START },
    ]);
  });

  it("wait for a store that is away, and are sent when it is back", async () => {
    const { notes, clock, state } = noting();
    state.isAway = true;
    notes.caller("a", "1");
    await notes.flush();
    expect(await notes.read("caller")).toBe(AWAY);
    clock.advance(60_000);
    state.isAway = false;
    const read = await notes.read("caller");
    expect(read.kind === "uses" && read.uses).toEqual([{ id: "a", lastUsed: START }]);
  });

  it("are kept by the store though this process has long forgotten them", async () => {
    const { notes, clock } = noting();
    notes.caller("a", "1");
    await notes.flush();
    clock.advance(3_600_001);
    await notes.flush();
    const read = await notes.read("caller");
    expect(read.kind === "uses" && read.uses).toEqual([{ id: "a", lastUsed: START }]);
  });

  it("are sent by themselves, and once more at the end", async () => {
    const { notes, sent } = noting();
    notes.start();
    notes.caller("a", "1");
    await eventually(async () => expect(sent.flat()).toHaveLength(1));
    notes.caller("b", "2");
    await notes.stop();
    expect(sent.flat()).toHaveLength(2);
  });
});
