import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Address, type AddressFault, formatAddress, parseAddress } from "../../src/transport/address.js";
import { bind, type Listener } from "../../src/transport/listeners.js";
import { inspect, removeStale } from "../../src/transport/unix-socket.js";

const UMASK = process.umask();
let directory: string;
const cleanups: (() => unknown)[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "listeners-"));
  cleanups.push(() => rmSync(directory, { recursive: true }));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function read(text: string): Address {
  const address = parseAddress(text);
  if (address.kind === "fault") throw new Error(`${text}: ${address.what}`);
  return address;
}

/** Greets whoever connects, so that a test sees which addresses serve. */
async function listen(...texts: string[]): Promise<readonly Listener[]> {
  const bound = await bind(texts.map(read), greet);
  if (bound.kind === "refused") throw new Error(bound.faults.map(({ where, what }) => `${where} ${what}`).join("\n"));
  for (const listener of bound.listeners) {
    cleanups.push(() => {
      listener.cut();
      return listener.close();
    });
  }
  return bound.listeners;
}

async function refusal(...texts: string[]): Promise<readonly AddressFault[]> {
  const bound = await bind(texts.map(read), greet);
  if (bound.kind === "refused") return bound.faults;
  for (const listener of bound.listeners) await listener.close();
  return [];
}

function greet(socket: Socket): void {
  socket.on("error", () => socket.destroy());
  socket.write("hello");
}

async function greetingAt(address: Address | { host: string; port: number }): Promise<string> {
  const socket =
    "path" in address ? connect({ path: address.path }) : connect({ host: address.host, port: address.port });
  cleanups.push(() => socket.destroy());
  const [data] = await once(socket, "data");
  socket.destroy();
  return String(data);
}

function portOf(listener: Listener | undefined): number {
  return listener?.address.kind === "tcp" ? listener.address.port : 0;
}

const socketPath = (name = "windbreak.sock") => join(directory, name);

/** Another process that listens, and says where. */
async function otherProcess(
  where: { port: number } | { path: string },
): Promise<{ child: ChildProcess; port: number }> {
  const script = `const server = require("net").createServer().listen(${JSON.stringify({ host: "127.0.0.1", ...where })},
    () => console.log(server.address().port ?? 0))`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] });
  cleanups.push(() => child.kill("SIGKILL"));
  const [line] = await once(child.stdout, "data");
  return { child, port: Number(line) };
}

const hasIPv6 = await new Promise<boolean>((resolve) => {
  const probe: Server = createServer().once("error", () => resolve(false));
  probe.listen({ host: "::1", port: 0 }, () => probe.close(() => resolve(true)));
});

describe("listening", () => {
  test("on TCP and a Unix socket at once serves both, and tells the ports that were free", async () => {
    const listeners = await listen("127.0.0.1:0", `unix:${socketPath()}`, "0.0.0.0:0");
    expect(listeners.map(({ accepting }) => accepting)).toEqual([true, true, true]);
    expect(new Set([portOf(listeners[0]), portOf(listeners[2]), 0]).size).toBe(3);
    expect(listeners.map(({ address }) => formatAddress(address))).toEqual([
      `127.0.0.1:${portOf(listeners[0])}`,
      `unix:${socketPath()}`,
      `0.0.0.0:${portOf(listeners[2])}`,
    ]);
    for (const { address } of listeners) expect(await greetingAt(address)).toBe("hello");
  });

  test.skipIf(!hasIPv6)("works on IPv6", async () => {
    const [listener] = await listen("[::1]:0");
    expect(await greetingAt({ host: "::1", port: portOf(listener) })).toBe("hello");
  });

  test.skipIf(!hasIPv6)("on localhost answers on both loopback addresses, on one port", async () => {
    const [listener] = await listen("localhost:0");
    expect(await greetingAt({ host: "127.0.0.1", port: portOf(listener) })).toBe("hello");
    expect(await greetingAt({ host: "::1", port: portOf(listener) })).toBe("hello");
  });

  test("binds all within one turn, so that nobody is served before all are bound", async () => {
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    const bound = await bind([read("localhost:0"), read("127.0.0.1:0")], greet);
    expect(turned).toBe(false);
    expect(bound.kind).toBe("bound");
    if (bound.kind === "bound") for (const listener of bound.listeners) await listener.close();
  });

  test("ends without taking the connections along, until they are cut", async () => {
    const [listener] = await listen("127.0.0.1:0");
    const socket = connect({ host: "127.0.0.1", port: portOf(listener) });
    await once(socket, "data");

    let closed = false;
    const closing = listener?.close().then(() => {
      closed = true;
    });
    expect(listener?.accepting).toBe(false);
    const [error] = await once(connect({ host: "127.0.0.1", port: portOf(listener) }), "error");
    expect(error).toMatchObject({ code: "ECONNREFUSED" });
    expect(closed).toBe(false);

    listener?.cut();
    await closing;
    await once(socket, "close");
  });
});

describe("a port in use", () => {
  test("by another process is told, whichever came first", async () => {
    const other = await otherProcess({ port: 0 });
    expect(await refusal(`127.0.0.1:${other.port}`)).toEqual([
      {
        kind: "fault",
        where: `127.0.0.1:${other.port}`,
        what: "already in use",
        remedy: "stop the process that listens there, or choose another address",
      },
    ]);

    const [listener] = await listen("127.0.0.1:0");
    const second = spawn(process.execPath, [
      "-e",
      `require("net").createServer().listen(${portOf(listener)}, "127.0.0.1")`,
    ]);
    const [code] = await once(second, "exit");
    expect(code).not.toBe(0);
  });

  test("by ourselves is told: no two listeners share a port", async () => {
    const [listener] = await listen("127.0.0.1:0");
    expect(await refusal(`127.0.0.1:${portOf(listener)}`)).toMatchObject([{ what: "already in use" }]);
  });

  test.skipIf(!hasIPv6)("on one loopback address alone keeps localhost from being bound", async () => {
    const [listener] = await listen("[::1]:0");
    const port = portOf(listener);
    expect(await refusal(`localhost:${port}`)).toMatchObject([{ where: `localhost:${port}`, what: "already in use" }]);
    expect(await refusal(`127.0.0.1:${port}`)).toEqual([]);
  });

  test("leaves nothing bound, and every address that failed is named", async () => {
    const { port } = await otherProcess({ port: 0 });
    const [free] = await listen("127.0.0.1:0");
    await free?.close();
    const faults = await refusal(
      `127.0.0.1:${portOf(free)}`,
      `unix:${socketPath()}`,
      `127.0.0.1:${port}`,
      "192.0.2.1:0",
      `unix:${directory}`,
      `unix:${socketPath("missing/deep.sock")}`,
    );
    expect(faults.map(({ where, what }) => [where, what])).toEqual([
      [`127.0.0.1:${port}`, "already in use"],
      ["192.0.2.1:0", "no address of this machine"],
      [`unix:${directory}`, "a file that is no socket stands there"],
      [`unix:${socketPath("missing/deep.sock")}`, `the directory ${socketPath("missing")} does not exist`],
    ]);
    expect(faults.every(({ remedy }) => remedy !== "")).toBe(true);
    expect(existsSync(socketPath())).toBe(false);
    expect(await refusal(`127.0.0.1:${portOf(free)}`)).toEqual([]);
  });
});

describe("a Unix socket", () => {
  test("is for its user and group alone, and goes when its listener ends", async () => {
    const [listener] = await listen(`unix:${socketPath()}`);
    expect(lstatSync(socketPath()).mode & 0o777).toBe(0o660);
    expect(process.umask()).toBe(UMASK);

    await listener?.close();
    expect(existsSync(socketPath())).toBe(false);
  });

  test("has the mode and the group that it is given", async () => {
    const gid = process.getgid?.() ?? 0;
    const bound = await bind([read(`unix:${socketPath()}`)], greet, { access: { mode: 0o600, gid } });
    if (bound.kind === "refused") throw new Error("not bound");
    expect(lstatSync(socketPath())).toMatchObject({ gid });
    expect(lstatSync(socketPath()).mode & 0o777).toBe(0o600);
    await bound.listeners[0]?.close();
  });

  test.skipIf(process.getuid?.() === 0)("is not bound for a group that this process may not give it to", async () => {
    const bound = await bind([read(`unix:${socketPath()}`)], greet, { access: { mode: 0o660, gid: 0 } });
    expect(bound).toMatchObject({ faults: [{ what: "this process may not give the socket to the group" }] });
    expect(existsSync(socketPath())).toBe(false);
  });

  test.skipIf(process.getuid?.() !== 0)(
    "has the user that it is given, with its mode, and goes all the same",
    async () => {
      const access = { mode: 0o600, uid: 65_534, gid: 65_534 };
      const bound = await bind([read(`unix:${socketPath()}`)], greet, { access });
      if (bound.kind === "refused") throw new Error("not bound");
      expect(lstatSync(socketPath())).toMatchObject({ uid: 65_534, gid: 65_534 });
      expect(lstatSync(socketPath()).mode & 0o777).toBe(0o600);
      await bound.listeners[0]?.close();
      expect(existsSync(socketPath())).toBe(false);
    },
  );

  test.skipIf(process.getuid?.() === 0)("is not bound for a user that this process may not give it to", async () => {
    const bound = await bind([read(`unix:${socketPath()}`)], greet, { access: { mode: 0o660, uid: 0 } });
    expect(bound).toMatchObject({ faults: [{ what: "this process may not give the socket to another user" }] });
    expect(existsSync(socketPath())).toBe(false);
  });

  test("that a killed process left behind is taken over", async () => {
    const { child } = await otherProcess({ path: socketPath() });
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(lstatSync(socketPath()).isSocket()).toBe(true);

    const [listener] = await listen(`unix:${socketPath()}`);
    expect(await greetingAt(read(`unix:${socketPath()}`))).toBe("hello");
    expect(listener?.accepting).toBe(true);
  });

  test("that took a stale one's place in the meantime is left alone", async () => {
    const { child } = await otherProcess({ path: socketPath() });
    child.kill("SIGKILL");
    await once(child, "exit");
    const site = await inspect(socketPath());
    if (site.kind !== "stale") throw new Error(site.kind);
    await listen(`unix:${socketPath()}`);

    removeStale(socketPath(), site.file);

    expect(await greetingAt(read(`unix:${socketPath()}`))).toBe("hello");
  });

  test("of a live process is in use and stays its own", async () => {
    await listen(`unix:${socketPath()}`);
    expect(await refusal(`unix:${socketPath()}`)).toMatchObject([{ what: "already in use" }]);
    expect(await greetingAt(read(`unix:${socketPath()}`))).toBe("hello");
  });

  test("given twice is in use the second time", async () => {
    const twice = [`unix:${socketPath()}`, `unix:${socketPath()}`];
    expect(await refusal(...twice)).toMatchObject([{ where: twice[1], what: "already in use" }]);
    expect(existsSync(socketPath())).toBe(false);
  });

  test.each([
    ["a file", () => writeFileSync(socketPath(), "keep me")],
    ["a link", () => symlinkSync("nothing", socketPath())],
  ])("is never bound in place of %s", async (_, make) => {
    make();
    const before = lstatSync(socketPath());
    expect(await refusal(`unix:${socketPath()}`)).toMatchObject([{ what: "a file that is no socket stands there" }]);
    expect(lstatSync(socketPath())).toEqual(before);
  });

  test("below a file is refused", async () => {
    writeFileSync(socketPath("file"), "");
    expect(await refusal(`unix:${socketPath("file/x.sock")}`)).toMatchObject([
      { what: "a part of the path is no directory" },
    ]);
  });
});
