import { execFile } from "node:child_process";
import { getEventListeners, once } from "node:events";
import { promisify } from "node:util";
import { credentials, status } from "@grpc/grpc-js";
import { describe, expect, test, vi } from "vitest";
import { ServerReflectionClient, type ServerReflectionResponse } from "../../src/gen/grpc/reflection/v1/reflection.js";
import { check, DECISIONS, healthClient, open, start, watch } from "./running-server.js";

describe("health", () => {
  test("serves from the first policy on, under both names", async () => {
    const { tcp, health } = await start();
    const client = healthClient(tcp);
    expect(await check(client, DECISIONS)).toBe("NOT_SERVING");
    health.serve();
    expect(await check(client)).toBe("SERVING");
    expect(await check(client, DECISIONS)).toBe("SERVING");
  });

  test("knows no other name", async () => {
    const { tcp, health } = await start();
    health.serve();
    expect(await check(healthClient(tcp), "windbreak.v1.Other")).toBe("error NOT_FOUND");
  });

  test("tells those who watch of each change once, and ends their streams when the server drains", async () => {
    const { tcp, health, end } = await start();
    const client = healthClient(tcp);
    const watches = ["", DECISIONS].map((service) => watch(client, service));
    for (const { next } of watches) expect(await next()).toBe("NOT_SERVING");
    health.serve();
    health.serve();
    for (const { next } of watches) expect(await next()).toBe("SERVING");

    const ended = end({ graceMs: 10_000 });
    for (const { next } of watches) expect([await next(), await next()]).toEqual(["NOT_SERVING", "end OK"]);
    expect(await ended).toBe("drained");
  });

  test("tells those who watch another name that it is unknown, and keeps their stream until the server drains", async () => {
    const { tcp, health, end } = await start();
    const { next } = watch(healthClient(tcp), "windbreak.v1.Other");
    expect(await next()).toBe("SERVICE_UNKNOWN");
    health.serve();
    const ended = end({ graceMs: 10_000 });
    expect(await next()).toBe("end OK");
    expect(await ended).toBe("drained");
  });

  test("forgets a client that watches no more", async () => {
    const { tcp, draining } = await start();
    const { next, cancel } = watch(healthClient(tcp));
    expect(await next()).toBe("NOT_SERVING");
    expect(getEventListeners(draining.signal, "abort")).toHaveLength(1);
    cancel();
    await vi.waitFor(() => expect(getEventListeners(draining.signal, "abort")).toHaveLength(0));
  });

  test("never goes back to SERVING once the server drains", async () => {
    const { tcp, health } = await start();
    health.drain();
    health.serve();
    expect(await check(healthClient(tcp))).toBe("NOT_SERVING");
  });
});

describe("reflection", () => {
  const buf = (...args: string[]) =>
    promisify(execFile)("node_modules/.bin/buf", ["curl", "--protocol", "grpc", "--http2-prior-knowledge", ...args]);

  test("lets buf list the methods", async () => {
    const { tcp } = await start();
    const { stdout } = await buf("--list-methods", `http://${tcp}`);
    expect(stdout.split("\n")).toEqual(
      expect.arrayContaining([
        `${DECISIONS}/Authorize`,
        `${DECISIONS}/AuthorizeStream`,
        `${DECISIONS}/RecordUsage`,
        `${DECISIONS}/CheckBudget`,
        "grpc.health.v1.Health/Check",
        "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
      ]),
    );
  });

  test("lets buf make a call without a proto at hand", async () => {
    const { tcp, health } = await start();
    health.serve();
    const { stdout } = await buf(
      "--reflect",
      "-d",
      `{"service":"${DECISIONS}"}`,
      `http://${tcp}/grpc.health.v1.Health/Check`,
    );
    expect(JSON.parse(stdout)).toEqual({ status: "SERVING" });
  });

  test("answers many questions on one stream, in their order, and does not hold a drain up", async () => {
    const { tcp, end } = await start();
    const call = open(new ServerReflectionClient(tcp, credentials.createInsecure())).serverReflectionInfo();
    const asked = Array.from({ length: 200 }, (_, i) => `question ${i}`);
    for (const host of asked) {
      call.write({ host, messageRequest: { $case: "fileContainingSymbol", value: DECISIONS } });
    }
    const hosts: string[] = [];
    const all = new Promise<void>((resolve) => {
      call.on("data", (answer: ServerReflectionResponse) => {
        if (hosts.push(answer.validHost) === asked.length) resolve();
      });
    });
    await all;
    expect(hosts).toEqual(asked);

    const ended = once(call, "status");
    expect(await end({ graceMs: 10_000 })).toBe("drained");
    expect(await ended).toMatchObject([{ code: status.OK }]);
  });
});
