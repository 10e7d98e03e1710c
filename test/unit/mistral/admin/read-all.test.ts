import { describe, expect, it } from "vitest";
import { adminStage, liveKey, liveKeys } from "./admin-stage.js";

describe("a list that changes while it is read", () => {
  const ids = (from: number, to: number) =>
    liveKeys(to)
      .slice(from)
      .map(({ id }) => id);

  it.each([1, 60, 130])("loses no key where %i of those before were revoked", async (count) => {
    const { server, provider } = await adminStage({ keys: liveKeys(350) });
    server.beforePage = (offset) => {
      if (offset !== 198) return;
      server.keys.splice(0, count);
      server.beforePage = () => {};
    };
    const listed = await provider.list();
    const found = listed.kind === "keys" ? listed.keys.map(({ id }) => id) : [];
    expect(found).toEqual(expect.arrayContaining(ids(count, 350)));
    expect(new Set(found).size).toBe(found.length);
  });

  it("loses none where one is revoked before every page", async () => {
    const { server, provider } = await adminStage({ keys: liveKeys(350) });
    server.beforePage = () => void server.keys.shift();
    const listed = await provider.list();
    const found = listed.kind === "keys" ? listed.keys.map(({ id }) => id) : [];
    expect(found).toEqual(expect.arrayContaining(server.keys.map(({ id }) => id)));
  });

  it("shows none twice where keys were made meanwhile", async () => {
    const { server, provider } = await adminStage({ keys: liveKeys(250) });
    let made = 1_000;
    server.beforePage = () => void server.keys.unshift(liveKey(made++), liveKey(made++));
    const listed = await provider.list();
    const found = listed.kind === "keys" ? listed.keys.map(({ id }) => id) : [];
    expect(new Set(found).size).toBe(found.length);
    expect(found).toEqual(expect.arrayContaining(ids(0, 250)));
  });

  it("ends where it never does", async () => {
    const { server, provider } = await adminStage({ keys: liveKeys(200) });
    let made = 1_000;
    server.beforePage = () => void server.keys.push(...Array.from({ length: 99 }, () => liveKey(made++)));
    expect(await provider.list()).toMatchObject({
      kind: "unknown",
      why: expect.stringContaining("a list that has no end"),
    });
    expect(server.asked("list")).toBeLessThanOrEqual(1_000);
  }, 60_000);
});
