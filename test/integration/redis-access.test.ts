import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { type FaultProxy, startProxy } from "../support/fault-proxy.js";
import { askUntil } from "../support/redis/deadlines.js";
import { describeWith } from "../support/redis/describe-with.js";
import { freePort } from "../support/redis/free-port.js";
import { type RedisServer, startRedis } from "../support/redis/redis-server.js";
import { startReplica } from "../support/replicas.js";
import { askTillFull, POLICY, principal, question, ROOM, standing } from "./redis-calls.js";
import { type SharedService, startShared } from "./redis-service.js";
import { afterwards } from "./running-service.js";

/** What the service sends, and what its scripts call. */
const COMMANDS = [
  "eval",
  "evalsha",
  "fcall",
  "function|load",
  "del",
  "get",
  "hget",
  "hgetall",
  "hlen",
  "hmget",
  "hscan",
  "hset",
  "pexpire",
  "scan",
  "set",
  "time",
];
/** What looking for drift and forgetting keys of long ago take besides, which comes too seldom to be seen here. */
const RARE_COMMANDS = ["info", "hdel"];
const KEYS = "~wb1:*";

/** Use all that a service can do. */
async function useAll(service: SharedService, server: RedisServer): Promise<void> {
  const { client } = service;
  const who = { role: "mixed" } as const;
  await server.send("SCRIPT", "FLUSH");
  const [settled, released, open] = await Promise.all([1, 2, 3].map(() => client.authorize(question(who))));
  expect([settled, released, open].map(({ allowed, degraded }) => allowed && !degraded)).toEqual([true, true, true]);
  const usage = { input_tokens: 10, output_tokens: 5 };
  expect(await client.recordUsage({ reservation_id: settled.reservation_id, usage })).toMatchObject({
    unreserved: false,
  });
  const unknown = { request_id: `u${Math.random()}`, principal: principal(who), model: "even", usage };
  expect(await client.recordUsage(unknown)).toMatchObject({ unreserved: true });
  const response = await service.post("/v1/reservations/release", { reservation_id: released.reservation_id });
  expect(response.status).toBe(200);
  await server.send("SCRIPT", "FLUSH");
  expect((await client.checkBudget({ principal: principal(who) })).limits.length).toBe(6);
  expect((await service.get("/v1/limits?after=counted-0")).status).toBe(200);
  expect((await service.get("/v1/usage?by=model")).text).toContain('"model":"even"');
  expect((await service.get("/v1/keys")).status).toBe(200);
  expect((await service.get("/v1/reservations")).text).toContain(open.reservation_id);
  expect((await service.get("/metrics")).status).toBe(200);
}

/** Have a call answered too late, so that what it reserved is given back. */
async function giveBackLate({ client }: SharedService, server: RedisServer, proxy: FaultProxy): Promise<void> {
  const recorded = (count: number) =>
    askUntil(
      2_000,
      () => server.send("KEYS", "wb1:{acme}:r:strict ann late"),
      (keys) => Array.isArray(keys) && keys.length === count,
    );
  await proxy.delay(60);
  expect((await client.authorize(question({}, "late"))).allowed).toBe(false);
  await recorded(1);
  await proxy.pass();
  await recorded(0);
}

/** The commands that a server has carried out since its statistics were reset, without the test's own. */
async function commandsUsed(server: RedisServer): Promise<readonly string[]> {
  const info = String(await server.send("INFO", "commandstats"));
  const names = [...info.matchAll(/^cmdstat_([^:]+):/gm)].map(([, name = ""]) => name);
  return names.filter((name) => !/^(?:config|info|keys|script|auth|acl|hello|ping)/.test(name)).sort();
}

describeWith(["redis-server"], "a user of Redis with the least that is needed", () => {
  it("is enough for all that a service does, and more than that is never used", async () => {
    const server = await startRedis();
    const commands = [...COMMANDS, ...RARE_COMMANDS].map((name) => `+${name}`);
    await server.send("ACL", "SETUSER", "windbreak", "on", ">secret", KEYS, "-@all", ...commands);
    const proxy = await startProxy(server);
    const service = await startShared(POLICY, `redis://windbreak:secret@127.0.0.1:${proxy.port}`);
    await server.send("CONFIG", "RESETSTAT");
    await useAll(service, server);
    await giveBackLate(service, server, proxy);
    proxy.cutAll();
    await service.isUp(false);
    await service.isUp(true);
    expect(await commandsUsed(server)).toEqual([...COMMANDS].sort());
    expect(service.told()).toEqual({ down: 1, up: 2 });
    expect(service.lines.filter((line) => line.includes("could not carry out"))).toEqual([]);
    expect(await server.send("ACL", "LOG")).toEqual([]);
  });
});

describeWith(["redis-server"], "the database that a URL names", () => {
  it("holds all keys, and the others none", async () => {
    const server = await startRedis();
    const service = await startShared(POLICY, `${server.url}/3`);
    expect((await service.client.authorize(question())).allowed).toBe(true);
    expect(String(await server.send("INFO", "keyspace"))).toMatch(/^# Keyspace\r\ndb3:keys=\d+,\S+\r\n$/);
  });
});

describeWith(["redis-server"], "a Redis that speaks TLS", () => {
  it("is used by a service that trusts its certificate, and by no other", async () => {
    const directory = await mkdtemp(join(tmpdir(), "tls-"));
    afterwards(() => rm(directory, { recursive: true }));
    const [key, certificate] = [join(directory, "key.pem"), join(directory, "cert.pem")];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    const made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    await promisify(execFile)("openssl", [...made, ...subject, "-keyout", key, "-out", certificate]);
    const port = await freePort();
    const tls = ["--tls-port", String(port), "--tls-auth-clients", "no", "--tls-ca-cert-file", certificate];
    await startRedis({ flags: [...tls, "--tls-cert-file", certificate, "--tls-key-file", key] });
    const redis = `rediss://127.0.0.1:${port}`;
    const [trusting, other] = await Promise.all([
      startReplica(POLICY, { redis, env: { NODE_EXTRA_CA_CERTS: certificate } }),
      startReplica(POLICY, { redis }),
    ]);
    await trusting.up();
    expect((await trusting.client.authorize(question())).allowed).toBe(true);
    await other.said(/ is away: /);
    expect(await other.client.authorize(question())).toMatchObject({ reason: "REASON_STORE_UNAVAILABLE" });
    expect(other.lines.join("\n")).toMatch(/self-signed certificate/);
  });
});

describeWith(["valkey-server"], "a Valkey", () => {
  it("serves like a Redis, and is found again after a restart", async () => {
    const server = await startRedis({ binary: "valkey-server" });
    const service = await startShared(POLICY, server.url);
    await useAll(service, server);
    expect(await askTillFull(service.client)).toHaveLength(ROOM);
    await server.kill("SIGKILL");
    expect(await service.client.authorize(question())).toMatchObject({ reason: "REASON_STORE_UNAVAILABLE" });
    await server.restart();
    await askUntil(
      2_000,
      () => service.client.authorize(question()),
      ({ allowed }) => allowed,
    );
    expect(await standing(service.client)).toMatchObject({ reserved: 1 });
  });
});
