import { describe, expect, it } from "vitest";
import { dialled, startEcho } from "./echo-server.js";
import { startProxy } from "./fault-proxy.js";
import { askUntil } from "./redis/deadlines.js";

const BIG = "0123456789".repeat(50_000);

async function stage() {
  const echo = await startEcho();
  const proxy = await startProxy({ port: echo.port });
  return { echo, proxy };
}

/** Wait until a count is this much. */
function comesTo(count: () => number, expected: number) {
  return askUntil(
    5_000,
    async () => count(),
    (now) => now === expected,
  );
}

async function msOf(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

describe("the fault proxy", () => {
  it("passes bytes both ways, whole and in order, and counts them", async () => {
    const { echo, proxy } = await stage();
    const client = await dialled(proxy.port);
    client.say("ping ");
    client.say(BIG);
    await client.hears(`ping ${BIG}`);
    expect(echo.received()).toBe(`ping ${BIG}`);
    const size = BIG.length + 5;
    expect(proxy.bytes).toEqual({ toServer: size, toClient: size, swallowed: 0 });
    expect(proxy.connections).toEqual({ accepted: 1, open: 1 });
  });

  it("passes an orderly end to the server, and the server's own back", async () => {
    const { echo, proxy } = await stage();
    const client = await dialled(proxy.port);
    client.say("last words");
    client.hangUp();
    expect(await client.ended()).toBe("end");
    expect(client.got()).toBe("last words");
    await comesTo(echo.connections, 0);
    await comesTo(() => proxy.connections.open, 0);
  });

  it("resets the client where the server is not there", async () => {
    const { echo, proxy } = await stage();
    await echo.end();
    const client = await dialled(proxy.port);
    expect(await client.ended()).toBe("ECONNRESET");
  });

  it("delays each chunk in either direction, on a connection that was open before", async () => {
    const { proxy } = await stage();
    const client = await dialled(proxy.port);
    await proxy.delay(60);
    const took = await msOf(async () => {
      client.say("ping");
      await client.hears("ping");
    });
    expect(took).toBeGreaterThanOrEqual(115);
  });

  it("lets what waits in a delay through when it passes again", async () => {
    const { proxy } = await stage();
    await proxy.delay(3_600_000);
    const client = await dialled(proxy.port);
    client.say("ping");
    await comesTo(() => proxy.connections.accepted, 1);
    await proxy.pass();
    await client.hears("ping");
  });

  it("throttles each direction to a rate", async () => {
    const { proxy } = await stage();
    await proxy.throttle(10_000);
    const client = await dialled(proxy.port);
    const text = BIG.slice(0, 2_000);
    const took = await msOf(async () => {
      client.say(text);
      await client.hears(text);
    });
    // 2,000 bytes at 10,000 a second, with a millisecond for each of ten timers that may be early.
    expect(took).toBeGreaterThanOrEqual(190);
  });

  it.each([
    { by: "rst", end: "ECONNRESET" },
    { by: "fin", end: "end" },
  ] as const)("cuts in the middle of a reply by $by, on each connection", async ({ by, end }) => {
    const { echo, proxy } = await stage();
    const before = await dialled(proxy.port);
    before.say("uncounted");
    await before.hears("uncounted");
    await proxy.cutAfter(4, { by });
    for (const client of [before, await dialled(proxy.port)]) {
      client.say("complete");
      expect(await client.ended()).toBe(end);
    }
    expect(before.got()).toBe("uncountedcomp");
    expect(echo.received()).toBe("uncountedcompletecomplete");
    await comesTo(() => proxy.connections.open, 0);
  });

  it("cuts before the first byte of a reply to something that the server has done, and only once if told so", async () => {
    const { echo, proxy } = await stage();
    await proxy.cutAfter(0, { isOnce: true });
    const first = await dialled(proxy.port);
    first.say("once ");
    expect(await first.ended()).toBe("ECONNRESET");
    expect(first.got()).toBe("");
    const second = await dialled(proxy.port);
    second.say("twice");
    await second.hears("twice");
    expect(echo.received()).toBe("once twice");
  });

  it("accepts and swallows while half open, and never mends a stream that has lost bytes", async () => {
    const { echo, proxy } = await stage();
    const old = await dialled(proxy.port);
    const idle = await dialled(proxy.port);
    await proxy.halfOpen();
    const young = await dialled(proxy.port);
    old.say("lost ");
    young.say("lost too");
    await comesTo(() => proxy.bytes.swallowed, 13);
    await proxy.pass();
    old.say("and after");
    await comesTo(() => proxy.bytes.swallowed, 22);
    idle.say("kept");
    await idle.hears("kept");
    expect([old.got(), young.got(), echo.received()]).toEqual(["", "", "kept"]);
    expect([old.isOpen(), young.isOpen()]).toEqual([true, true]);
  });

  it("keeps the server's end to itself while half open", async () => {
    const { echo, proxy } = await stage();
    const client = await dialled(proxy.port);
    client.say("ping");
    await client.hears("ping");
    await proxy.halfOpen();
    await echo.end();
    client.say("anyone?");
    await comesTo(() => proxy.bytes.swallowed, 7);
    expect(client.isOpen()).toBe(true);
  });

  it("refuses new connections, leaves the open ones, and accepts again on the same port", async () => {
    const { proxy } = await stage();
    const old = await dialled(proxy.port);
    old.say("a");
    await old.hears("a");
    await proxy.refuse();
    await expect(dialled(proxy.port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    old.say("b");
    await old.hears("ab");
    await proxy.pass();
    const young = await dialled(proxy.port);
    young.say("c");
    await young.hears("c");
  });

  it("cuts all open connections, and accepts new ones", async () => {
    const { echo, proxy } = await stage();
    const clients = [await dialled(proxy.port), await dialled(proxy.port)];
    await comesTo(echo.connections, 2);
    proxy.cutAll();
    expect(await Promise.all(clients.map((client) => client.ended()))).toEqual(["ECONNRESET", "ECONNRESET"]);
    await comesTo(echo.connections, 0);
    const next = await dialled(proxy.port);
    next.say("on");
    await next.hears("on");
  });

  it("is gone once stopped, with its connections, whatever it held back", async () => {
    const { proxy } = await stage();
    await proxy.delay(3_600_000);
    const client = await dialled(proxy.port);
    client.say("held");
    await proxy.stop();
    expect(await client.ended()).toBe("ECONNRESET");
    await expect(dialled(proxy.port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});
