import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { compressionAlgorithms, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { createServer, listen, MAX_RECEIVE_BYTES } from "../../src/transport/server.js";
import { afterwards, check, healthClient, start, watch } from "./running-server.js";

describe("the server", () => {
  test("serves on every listener", async () => {
    const { tcp, unix } = await start();
    for (const address of [tcp, unix]) expect(await check(healthClient(address))).toBe("NOT_SERVING");
  });

  test("says of addresses in use which they are, and serves on none", async () => {
    const { tcp, port, directory } = await start();
    const path = join(directory, "other.sock");
    const bound = await listen(createServer(), {
      addresses: [
        { kind: "unix", path },
        { kind: "tcp", host: "127.0.0.1", port },
      ],
    });
    expect(bound).toMatchObject({ kind: "refused", faults: [{ where: tcp, what: "already in use" }] });
    expect(existsSync(path)).toBe(false);
  });

  test("survives a peer that speaks no HTTP/2", async () => {
    const { tcp, port } = await start();
    const socket = connect({ host: "127.0.0.1", port });
    socket.end("GET / HTTP/1.1\r\n\r\n").resume();
    await once(socket, "close");
    expect(await check(healthClient(tcp))).toBe("NOT_SERVING");
  });
});

describe("the size of a message", () => {
  // The name of a service of this length makes a message of exactly the limit: tag, a length of three bytes, the name.
  const largest = MAX_RECEIVE_BYTES - 4;

  test("may reach the limit and not pass it", async () => {
    const client = healthClient((await start()).tcp);
    expect(await check(client, "x".repeat(largest))).toBe("error NOT_FOUND");
    expect(await check(client, "x".repeat(largest + 1))).toBe("error RESOURCE_EXHAUSTED");
    expect(await check(client)).toBe("NOT_SERVING");
  });

  test.each(["gzip", "deflate"] as const)("is measured after %s is undone", async (algorithm) => {
    const client = healthClient((await start()).tcp, {
      "grpc.default_compression_algorithm": compressionAlgorithms[algorithm],
    });
    expect(await check(client, "x".repeat(largest))).toBe("error NOT_FOUND");
    expect(await check(client, "x".repeat(largest + 1))).toBe("error RESOURCE_EXHAUSTED");
    expect(await check(client, "x".repeat(20_000_000))).toBe("error RESOURCE_EXHAUSTED");
    expect(await check(client)).toBe("NOT_SERVING");
  });
});

describe("shutting down", () => {
  test("lets a call in flight finish, takes no other, and removes the socket file", async () => {
    const { tcp, unix, hold, end, accepting } = await start();
    const { answer, release } = await hold();
    const ended = end({ graceMs: 10_000 });
    expect(accepting()).toEqual([false, false]);
    expect(existsSync(unix.slice("unix:".length))).toBe(false);
    expect(await check(healthClient(tcp))).toBe("error UNAVAILABLE");

    release();

    expect(await answer).toBe("released");
    expect(await ended).toBe("drained");
  });

  test("cuts a call that does not finish in time", async () => {
    const { hold, end } = await start();
    const { answer } = await hold();
    expect(await end({ graceMs: 20 })).toBe("cut");
    expect([status.UNAVAILABLE, status.CANCELLED]).toContain(await answer);
  });

  test("does not wait for a client that is connected and idle", async () => {
    const { tcp, end } = await start();
    await check(healthClient(tcp));
    expect(await end({ graceMs: 10_000 })).toBe("drained");
  });

  test("does not wait for a connection that has said nothing yet", async () => {
    const { port, end } = await start();
    const socket = connect({ host: "127.0.0.1", port }).resume();
    afterwards(() => socket.destroy());
    await once(socket, "connect");
    expect(await end({ graceMs: 10_000 })).toBe("drained");
  });

  test("goes on taking calls for as long as balancers need to notice", async () => {
    const { tcp, health, hold, end, accepting } = await start();
    health.serve();
    const client = healthClient(tcp);
    const { next } = watch(client);
    expect(await next()).toBe("SERVING");

    const ended = end({ graceMs: 10_000, drainDelayMs: 200 });
    expect(await next()).toBe("NOT_SERVING");
    expect(accepting()).toEqual([true, true]);
    const { answer, release } = await hold();
    release();
    expect(await answer).toBe("released");
    expect(await next()).toBe("end OK");
    expect(await ended).toBe("drained");
  });
});
