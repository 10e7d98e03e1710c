import { describe, expect, it } from "vitest";
import type { KeyOrder } from "../../../../src/app/key-ports.js";
import { AdminKeys } from "../../../../src/mistral/admin/admin-keys.js";
import { instant } from "../../../support/fake-clock.js";
import { AdminServer, type AdminServerOptions, type LiveKey, maskOf } from "../../../support/mistral/admin-server.js";
import { freePort } from "../../../support/redis/free-port.js";

const NOW = instant("2026-11-29T12:00:00Z");

/** A provider at a server, with the waits that it took between tries. */
async function stage(options: AdminServerOptions = {}, words: { key?: string; auth?: "x-api-key" | "bearer" } = {}) {
  const { dialect = "admin" } = options;
  const server = await AdminServer.start({ now: () => NOW, ...options });
  const waits: number[] = [];
  const wire = {
    fetch,
    now: () => NOW,
    pause: async (ms: number) => void waits.push(ms),
    timeoutMs: 2_000,
    userAgent: "windbreak/test",
  };
  const { key = server.adminKey, auth = dialect === "admin" ? "x-api-key" : "bearer" } = words;
  const at = (url: string, timeoutMs = wire.timeoutMs) =>
    new AdminKeys({ api: { dialect, url, auth }, key, wire: { ...wire, timeoutMs } });
  return { server, waits, at, provider: at(server.url) };
}

/** What Mistral's API answers to whoever shows a key. */
async function modelsBy({ apiUrl }: AdminServer, key: string): Promise<number> {
  return (await fetch(`${apiUrl}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status;
}

const liveKey = (index: number, words: Partial<LiveKey> = {}): LiveKey => ({
  id: `k${index}`,
  name: `key ${index}`,
  secret: `secret-${index}-abcdefgh`,
  workspace: "w1",
  createdAt: NOW,
  ...words,
});
const liveKeys = (count: number) => Array.from({ length: count }, (_, index) => liveKey(index));
const order: KeyOrder = { name: "dev-1", workspace: "w1", owner: "u1", expiresAt: undefined };
const DIALECTS = ["admin", "document"] as const;

describe.each(DIALECTS)("the Admin API in the dialect %s", (dialect) => {
  it("makes, lists and revokes a key, which works in between", async () => {
    const { server, provider } = await stage({ dialect });
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
    const { provider } = await stage({ dialect, keys: liveKeys(2) });
    expect(await provider.revoke("gone")).toEqual({ kind: "revoked" });
  });

  it.each([0, 1, 99, 100, 101, 199, 250])("lists %i keys, each once and in order", async (count) => {
    const { provider } = await stage({ dialect, keys: liveKeys(count) });
    const listed = await provider.list();
    expect(listed.kind === "keys" && listed.keys.map(({ id }) => id)).toEqual(liveKeys(count).map(({ id }) => id));
  });

  it.each([3, 100, 250])("lists %i keys of a server that knows no pages", async (count) => {
    const { provider } = await stage({ dialect, keys: liveKeys(count), pages: false });
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
    const { server, provider } = await stage({ dialect });
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
    const admin = await stage();
    await admin.provider.create({ ...order, expiresAt: instant("2027-01-31T23:00:00Z") });
    const document = await stage({ dialect: "document" });
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
      const listed = await (await stage({ dialect, keys })).provider.list();
      return listed.kind === "keys" && listed.keys.map(({ lastUse }) => lastUse);
    };
    expect(await uses("admin")).toEqual([{ kind: "day", start: instant("2026-11-20T00:00:00Z") }, { kind: "never" }]);
    expect(await uses("document")).toEqual([{ kind: "instant", at: used }, { kind: "never" }]);
  });

  it("mask a key where they show it at all", async () => {
    const listed = await (await stage({ keys: [liveKey(1)] })).provider.list();
    expect(listed).toMatchObject({ keys: [{ mask: maskOf(liveKey(1).secret), workspace: { id: "w1" } }] });
  });
});

describe("a list that changes while it is read", () => {
  const ids = (from: number, to: number) =>
    liveKeys(to)
      .slice(from)
      .map(({ id }) => id);

  it.each([1, 60, 130])("loses no key where %i of those before were revoked", async (count) => {
    const { server, provider } = await stage({ keys: liveKeys(350) });
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
    const { server, provider } = await stage({ keys: liveKeys(350) });
    server.beforePage = () => void server.keys.shift();
    const listed = await provider.list();
    const found = listed.kind === "keys" ? listed.keys.map(({ id }) => id) : [];
    expect(found).toEqual(expect.arrayContaining(server.keys.map(({ id }) => id)));
  });

  it("shows none twice where keys were made meanwhile", async () => {
    const { server, provider } = await stage({ keys: liveKeys(250) });
    let made = 1_000;
    server.beforePage = () => void server.keys.unshift(liveKey(made++), liveKey(made++));
    const listed = await provider.list();
    const found = listed.kind === "keys" ? listed.keys.map(({ id }) => id) : [];
    expect(new Set(found).size).toBe(found.length);
    expect(found).toEqual(expect.arrayContaining(ids(0, 250)));
  });

  it("ends where it never does", async () => {
    const { server, provider } = await stage({ keys: liveKeys(200) });
    let made = 1_000;
    server.beforePage = () => void server.keys.push(...Array.from({ length: 99 }, () => liveKey(made++)));
    expect(await provider.list()).toMatchObject({
      kind: "unknown",
      why: expect.stringContaining("a list that has no end"),
    });
    expect(server.asked("list")).toBeLessThanOrEqual(1_000);
  }, 60_000);
});

describe("a server in trouble", () => {
  const busy = (seconds: string) => ({ kind: "status", status: 429, headers: { "retry-after": seconds } }) as const;
  const broken = { kind: "status", status: 503 } as const;

  it("is asked again for the list, after as long as it asks for", async () => {
    const { server, provider, waits } = await stage({ keys: liveKeys(2) });
    server.trouble("list", busy("3"), busy("Sun, 29 Nov 2026 12:00:05 GMT"), broken);
    expect(await provider.list()).toMatchObject({ kind: "keys" });
    expect(waits).toEqual([3_000, 5_000, 2_000]);
  });

  it("is asked four times at the most", async () => {
    const { server, provider } = await stage();
    server.trouble("list", broken, broken, broken, broken, broken);
    expect(await provider.list()).toMatchObject({ kind: "unknown", why: expect.stringContaining("answers 503") });
    expect(server.asked("list")).toBe(4);
  });

  it("is not waited for longer than half a minute", async () => {
    const { server, provider, waits } = await stage();
    server.trouble("list", busy("3600"));
    expect(await provider.list()).toMatchObject({
      kind: "refused",
      why: expect.stringContaining("try again in 3600 s"),
    });
    expect(waits).toEqual([]);
  });

  it("is asked again to revoke", async () => {
    const { server, provider } = await stage({ keys: liveKeys(1) });
    server.trouble("revoke", { kind: "lost" });
    expect(await provider.revoke("k0")).toEqual({ kind: "revoked" });
    expect(server.keys).toEqual([]);
  });

  it.each([
    ["after the key was made", { kind: "lost" }, "unknown", 1],
    ["with 429", busy("1"), "refused", 0],
    ["in silence", { kind: "silence" }, "unknown", 0],
    ["with no JSON", { kind: "body", body: "<html>" }, "unknown", 0],
    ["with a masked key", { kind: "body", body: '{"key_id":"k","key":"HQSx...Ug6Y"}' }, "unknown", 0],
  ] as const)("is never asked twice to make a key, also where it ends %s", async (_, met, kind, made) => {
    const { server, at } = await stage();
    server.trouble("create", met);
    expect(await at(server.url, 300).create(order)).toMatchObject({ kind });
    expect(server.asked("create")).toBe(1);
    expect(server.keys).toHaveLength(made);
  });

  it("that does not answer is given up in time", async () => {
    const { server, at } = await stage();
    server.trouble("list", ...Array.from({ length: 4 }, () => ({ kind: "silence" }) as const));
    expect(await at(server.url, 50).list()).toMatchObject({
      why: expect.stringContaining("does not answer within 50 ms"),
    });
  });

  it("that is not there is named by the system's word", async () => {
    const { at } = await stage();
    const url = `http://127.0.0.1:${await freePort()}/v1/admin`;
    expect(await at(url).list()).toMatchObject({ kind: "unknown", why: expect.stringContaining("(ECONNREFUSED)") });
  });

  it("that answers without end is cut short", async () => {
    const { server, provider } = await stage();
    server.trouble(
      "list",
      ...Array.from({ length: 4 }, () => ({ kind: "body", body: "x".repeat(5_000_000) }) as const),
    );
    expect(await provider.list()).toMatchObject({
      kind: "unknown",
      why: expect.stringContaining("more than 4194304 bytes"),
    });
  });

  it.each(["[]", '{"keys":[{"name":"without an id"}]}', '{"keys":"none"}', "3"])(
    "whose list is %s is not taken at its word unless it can be read whole",
    async (body) => {
      const { server, provider } = await stage();
      server.trouble("list", { kind: "body", body }, { kind: "body", body });
      expect(await provider.list()).toMatchObject(body === "[]" ? { kind: "keys", keys: [] } : { kind: "unknown" });
    },
  );

  it("that lists a key and cannot revoke it is not believed that it is gone", async () => {
    const { server, provider } = await stage({ keys: liveKeys(1) });
    server.trouble("revoke", { kind: "status", status: 404 });
    expect(await provider.revoke("k0")).toMatchObject({
      kind: "refused",
      why: expect.stringContaining("cannot revoke it"),
    });
  });

  it.each(["", ".", ".."])("is never asked to revoke %j, which would lead elsewhere", async (id) => {
    const { server, provider } = await stage({ keys: liveKeys(1) });
    expect(await provider.revoke(id)).toMatchObject({ kind: "refused" });
    expect(server.requests).toEqual([]);
  });

  it("cannot make a fault show the admin key", async () => {
    const { server, provider } = await stage();
    const body = { message: `bad header x-api-key: ${server.adminKey}` };
    server.trouble("list", { kind: "status", status: 401, body });
    const fault = await provider.list();
    expect(fault).toMatchObject({ kind: "unavailable", why: expect.stringContaining("x-api-key: …") });
    expect(JSON.stringify(fault)).not.toContain(server.adminKey);
  });

  it("takes a wrong admin key for none", async () => {
    const { provider } = await stage({}, { key: "wrong-admin-key" });
    expect(await provider.list()).toMatchObject({ kind: "unavailable", why: expect.stringContaining("answers 401") });
  });
});
