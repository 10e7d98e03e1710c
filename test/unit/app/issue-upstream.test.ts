import { describe, expect, it } from "vitest";
import { type IssueOptions, issueUpstream, newKeyName } from "../../../src/app/issue-upstream.js";
import type { KeyProvider, ListedKey, SecretSink } from "../../../src/app/key-ports.js";
import { instant } from "../../support/fake-clock.js";

const SECRET = "s3cret-of-the-new-key";
const away = { kind: "unknown", why: "no answer; try again" } as const;

/** A provider that makes keys, and a sink that takes them, but for what the words say. */
function stage(words: { create?: "lost" | "away"; revoke?: "away"; list?: "away"; store?: "failed" } = {}) {
  const live: ListedKey[] = [];
  const stored: string[] = [];
  const provider: KeyProvider = {
    list: async () => (words.list ? away : { kind: "keys", keys: live }),
    create: async ({ name }) => {
      if (words.create === "away") return away;
      live.push({ ...EMPTY, name });
      if (words.create === "lost") return away;
      return { kind: "made", key: { id: EMPTY.id, name, secret: SECRET, expiresAt: undefined } };
    },
    revoke: async (id) => {
      if (words.revoke) return away;
      live.splice(0, live.length, ...live.filter((key) => key.id !== id));
      return { kind: "revoked" };
    },
  };
  const sink: SecretSink = {
    place: "file /x",
    store: async (secret) => {
      if (words.store) return { kind: "failed", why: "the disk is full; make room" };
      stored.push(secret);
      return { kind: "stored" };
    },
    read: async () => ({ kind: "empty" }),
  };
  const issue = (options: Partial<IssueOptions> = {}) =>
    issueUpstream({ provider, rule: { workspace: "w1", owner: "u1" }, name: "dev-1", sink, ...options });
  return { live, stored, issue };
}

const EMPTY: ListedKey = {
  id: "k1",
  name: "",
  workspace: undefined,
  mask: undefined,
  createdAt: undefined,
  expiresAt: undefined,
  lastUse: { kind: "unknown" },
};

describe("a key that is issued", () => {
  it("is put into its sink, or given to whoever asked where there is none", async () => {
    const { stored, issue } = stage();
    const issued = { kind: "issued", key: { id: "k1", name: "dev-1", secret: SECRET, expiresAt: undefined } };
    expect(await issue()).toEqual(issued);
    expect(await issue({ sink: undefined })).toEqual(issued);
    expect(stored).toEqual([SECRET]);
  });

  it("is revoked where its sink does not take it", async () => {
    const { live, issue } = stage({ store: "failed" });
    expect(await issue()).toMatchObject({
      kind: "unstored",
      why: "the disk is full; make room",
      left: { kind: "revoked" },
    });
    expect(live).toEqual([]);
  });

  it("is in force where its sink has it, though it said no", async () => {
    const { live, issue } = stage({ store: "failed" });
    const sink: SecretSink = {
      place: "secret ai/mistral",
      store: async () => ({ kind: "failed", why: "no answer" }),
      read: async () => ({ kind: "secret", secret: SECRET }),
    };
    expect(await issue({ sink })).toMatchObject({ kind: "issued", key: { id: "k1" } });
    expect(live).toHaveLength(1);
  });

  it("is not revoked where its sink may have it", async () => {
    const { live, issue } = stage({ store: "failed" });
    const sink: SecretSink = {
      place: "command put",
      store: async () => ({ kind: "failed", why: "no answer in time" }),
      read: async () => ({ kind: "unreadable", why: "it gives nothing back" }),
    };
    expect(await issue({ sink })).toMatchObject({ kind: "unstored", key: { id: "k1" }, left: { kind: "kept" } });
    expect(live).toHaveLength(1);
  });

  it("is revoked where it was made and its secret was lost", async () => {
    const { live, issue } = stage({ create: "lost" });
    expect(await issue()).toEqual({ kind: "unknown", why: `${away.why}; a key was made unseen, and is revoked` });
    expect(live).toEqual([]);
  });

  it("is named to whoever has to look after it", async () => {
    expect(await stage({ create: "away" }).issue()).toMatchObject({ why: `${away.why}; no key was made` });
    expect(await stage({ create: "lost", list: "away" }).issue()).toMatchObject({
      why: expect.stringContaining("a key named dev-1 may have been made"),
    });
    expect(await stage({ create: "lost", revoke: "away" }).issue()).toMatchObject({
      kind: "unstored",
      key: { id: "k1" },
      left: away,
    });
    expect(await stage({ store: "failed", revoke: "away" }).issue()).toMatchObject({ kind: "unstored", left: away });
  });

  it("has a name that says when it was made", () => {
    const name = newKeyName("dev-team", instant("2026-11-29T10:15:00.123Z"), () => Uint8Array.of(0, 35, 36, 255));
    expect(name).toBe("dev-team-20261129T101500Z-0z03");
  });
});
