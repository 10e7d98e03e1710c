import { describe, expect, it } from "vitest";
import { freePort } from "../../../support/redis/free-port.js";
import { adminStage, liveKeys, order } from "./admin-stage.js";

describe("a server in trouble", () => {
  const busy = (seconds: string) => ({ kind: "status", status: 429, headers: { "retry-after": seconds } }) as const;
  const broken = { kind: "status", status: 503 } as const;

  it("is asked again for the list, after as long as it asks for", async () => {
    const { server, provider, waits } = await adminStage({ keys: liveKeys(2) });
    server.trouble("list", busy("3"), busy("Sun, 29 Nov 2026 12:00:05 GMT"), broken);
    expect(await provider.list()).toMatchObject({ kind: "keys" });
    expect(waits).toEqual([3_000, 5_000, 2_000]);
  });

  it("is asked four times at the most", async () => {
    const { server, provider } = await adminStage();
    server.trouble("list", broken, broken, broken, broken, broken);
    expect(await provider.list()).toMatchObject({ kind: "unknown", why: expect.stringContaining("answers 503") });
    expect(server.asked("list")).toBe(4);
  });

  it("is not waited for longer than half a minute", async () => {
    const { server, provider, waits } = await adminStage();
    server.trouble("list", busy("3600"));
    expect(await provider.list()).toMatchObject({
      kind: "refused",
      why: expect.stringContaining("try again in 3600 s"),
    });
    expect(waits).toEqual([]);
  });

  it("is asked again to revoke", async () => {
    const { server, provider } = await adminStage({ keys: liveKeys(1) });
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
    const { server, at } = await adminStage();
    server.trouble("create", met);
    expect(await at(server.url, 300).create(order)).toMatchObject({ kind });
    expect(server.asked("create")).toBe(1);
    expect(server.keys).toHaveLength(made);
  });

  it("that does not answer is given up in time", async () => {
    const { server, at } = await adminStage();
    server.trouble("list", ...Array.from({ length: 4 }, () => ({ kind: "silence" }) as const));
    expect(await at(server.url, 50).list()).toMatchObject({
      why: expect.stringContaining("does not answer within 50 ms"),
    });
  });

  it("that is not there is named by the system's word", async () => {
    const { at } = await adminStage();
    const url = `http://127.0.0.1:${await freePort()}/v1/admin`;
    expect(await at(url).list()).toMatchObject({ kind: "unknown", why: expect.stringContaining("(ECONNREFUSED)") });
  });

  it("that answers without end is cut short", async () => {
    const { server, provider } = await adminStage();
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
      const { server, provider } = await adminStage();
      server.trouble("list", { kind: "body", body }, { kind: "body", body });
      expect(await provider.list()).toMatchObject(body === "[]" ? { kind: "keys", keys: [] } : { kind: "unknown" });
    },
  );

  it("that lists a key and cannot revoke it is not believed that it is gone", async () => {
    const { server, provider } = await adminStage({ keys: liveKeys(1) });
    server.trouble("revoke", { kind: "status", status: 404 });
    expect(await provider.revoke("k0")).toMatchObject({
      kind: "refused",
      why: expect.stringContaining("cannot revoke it"),
    });
  });

  it.each(["", ".", ".."])("is never asked to revoke %j, which would lead elsewhere", async (id) => {
    const { server, provider } = await adminStage({ keys: liveKeys(1) });
    expect(await provider.revoke(id)).toMatchObject({ kind: "refused" });
    expect(server.requests).toEqual([]);
  });

  it("cannot make a fault show the admin key", async () => {
    const { server, provider } = await adminStage();
    const body = { message: `bad header x-api-key: ${server.adminKey}` };
    server.trouble("list", { kind: "status", status: 401, body });
    const fault = await provider.list();
    expect(fault).toMatchObject({ kind: "unavailable", why: expect.stringContaining("x-api-key: …") });
    expect(JSON.stringify(fault)).not.toContain(server.adminKey);
  });

  it("takes a wrong admin key for none", async () => {
    const { provider } = await adminStage({}, { key: "wrong-admin-key" });
    expect(await provider.list()).toMatchObject({ kind: "unavailable", why: expect.stringContaining("answers 401") });
  });
});
