import { describe, expect, it } from "vitest";
import { instant } from "../../../support/fake-clock.js";
import { type AdminServer, maskOf } from "../../../support/mistral/admin-server.js";
import { adminStage, liveKey, liveKeys, NOW, order } from "./admin-stage.js";

/** What Mistral's API answers to whoever shows a key. */
async function modelsBy({ apiUrl }: AdminServer, key: string): Promise<number> {
  return (await fetch(`${apiUrl}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status;
}

const DIALECTS = ["admin", "document"] as const;

describe.each(DIALECTS)("the Admin API in the dialect %s", (dialect) => {
  it("makes, lists and revokes a key, which works in between", async () => {
    const { server, provider } = await adminStage({ dialect });
    const made = await provider.create(order);
    if (made.kind !== "made") throw new Error(made.why);
    expect(made.key).toEqual({
      id: server.keys[0]?.id,
      name: "dev-1",
      secret: server.keys[0]?.secret,
      expiresAt: undefined,
    });
    expect(await modelsBy(server, made.key.secret)).toBe(200);

    const listed = await provider.list();
    expect(listed).toMatchObject({ kind: "keys", keys: [{ id: made.key.id, name: "dev-1", createdAt: NOW }] });
    expect(JSON.stringify(listed)).not.toContain(made.key.secret);

    expect(await provider.revoke(made.key.id)).toEqual({ kind: "revoked" });
    expect(await modelsBy(server, made.key.secret)).toBe(401);
    expect(await provider.list()).toEqual({ kind: "keys", keys: [] });
  });

  it("revokes a key that is gone already", async () => {
    const { provider } = await adminStage({ dialect, keys: liveKeys(2) });
    expect(await provider.revoke("gone")).toEqual({ kind: "revoked" });
  });

  it.each([0, 1, 99, 100, 101, 199, 250])("lists %i keys, each once and in order", async (count) => {
    const { provider } = await adminStage({ dialect, keys: liveKeys(count) });
    const listed = await provider.list();
    expect(listed.kind === "keys" && listed.keys.map(({ id }) => id)).toEqual(liveKeys(count).map(({ id }) => id));
  });

  it.each([3, 100, 250])("lists %i keys of a server that knows no pages", async (count) => {
    const { provider } = await adminStage({ dialect, keys: liveKeys(count), pages: false });
    const listed = await provider.list();
    expect(listed.kind === "keys" && listed.keys).toHaveLength(count);
  });

  it.each([
    [401, "unavailable", "give the organization's admin key"],
    [403, "unavailable", "the Admin API is for Enterprise organizations"],
    [404, "unavailable", "there is no Admin API at this address"],
    [422, "refused", "correct what it names"],
    [307, "unknown", "redirects are not followed"],
  ])("says of %i what to do", async (status, kind, remedy) => {
    const { server, provider } = await adminStage({ dialect });
    const met = { kind: "status", status, body: { detail: "not so" } } as const;
    server.trouble("list", met);
    server.trouble("create", met);
    const why = expect.stringMatching(
      new RegExp(`^${server.url}/api-keys answers ${status} \\(not so\\); .*${remedy}`),
    );
    expect(await provider.list()).toEqual({ kind, why });
    expect(await provider.create(order)).toEqual({ kind, why });
  });
});

describe("the dialects", () => {
  it("send a new key's fields by their own names, and the admin key in their own header", async () => {
    const admin = await adminStage();
    await admin.provider.create({ ...order, expiresAt: instant("2027-01-31T23:00:00Z") });
    const document = await adminStage({ dialect: "document" });
    await document.provider.create(order);
    expect(admin.server.requests[0]).toMatchObject({
      path: "/v1/admin/api-keys",
      headers: { "x-api-key": admin.server.adminKey, "user-agent": "windbreak/test" },
      body: { name: "dev-1", workspace_uuid: "w1", user_id: "u1", expiration: "2027-01-31" },
    });
    expect(document.server.requests[0]).toMatchObject({
      path: "/v1/api-keys",
      headers: { authorization: `Bearer ${document.server.adminKey}` },
      body: { name: "dev-1", workspace_id: "w1" },
    });
  });

  it("tell the last use as a day, an instant, or never", async () => {
    const used = instant("2026-11-20T09:30:00Z");
    const keys = [liveKey(1, { lastUsed: used }), liveKey(2)];
    const uses = async (dialect: "admin" | "document") => {
      const listed = await (await adminStage({ dialect, keys })).provider.list();
      return listed.kind === "keys" && listed.keys.map(({ lastUse }) => lastUse);
    };
    expect(await uses("admin")).toEqual([{ kind: "day", start: instant("2026-11-20T00:00:00Z") }, { kind: "never" }]);
    expect(await uses("document")).toEqual([{ kind: "instant", at: used }, { kind: "never" }]);
  });

  it("mask a key where they show it at all", async () => {
    const listed = await (await adminStage({ keys: [liveKey(1)] })).provider.list();
    expect(listed).toMatchObject({ keys: [{ mask: maskOf(liveKey(1).secret), workspace: { id: "w1" } }] });
  });
});
