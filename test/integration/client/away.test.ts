import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { denialOf } from "../../../src/client/client.js";
import { COMPLETION } from "../../support/mistral/answers.js";
import { inTime } from "../../support/redis/deadlines.js";
import { startProcess } from "../running-process.js";
import { afterwards, temporaryDirectory } from "../running-service.js";
import { CHAT, COST, policyWith, rig } from "./rig.js";

/** The built service, to be killed and started again where it was. */
async function killable() {
  const listen = `unix:${temporaryDirectory()}/windbreak.sock`;
  const flags = ["--state", temporaryDirectory()];
  const start = () => startProcess(policyWith("{ usd_per_month: 10 }"), { listen, admin: "", flags });
  const service = await start();
  return {
    address: listen,
    start,
    kill: async () => {
      service.kill("SIGKILL");
      await service.ended();
    },
  };
}

/** What takes connections and says nothing. */
async function silentServer() {
  const server = createServer((socket) => socket.on("error", () => {}).resume()).listen(0, "127.0.0.1");
  await once(server, "listening");
  afterwards(() => server.close());
  const address = server.address();
  return typeof address === "object" ? `127.0.0.1:${address?.port}` : "";
}

describe("Mistral's client while Windbreak is away", () => {
  it("makes no call", async () => {
    const service = await killable();
    const { client, mistral } = await rig({ address: service.address });
    await client.chat.complete(CHAT);
    await service.kill();
    const refused: unknown = await client.chat.complete(CHAT).catch((error: unknown) => error);
    expect(denialOf(refused)).toMatchObject({ reason: "unavailable", httpStatus: 503 });
    expect(mistral.requests).toHaveLength(1);
  });

  it("makes the call where it is to fail open, and reports what it used once Windbreak is back", async () => {
    const service = await killable();
    const { client, mistral, verdicts, settled, standing } = await rig({
      address: service.address,
      guard: { onUnavailable: "allow" },
    });
    await client.chat.complete(CHAT);
    await client.windbreak.settled();
    await service.kill();
    expect((await client.chat.complete(CHAT)).usage.totalTokens).toBe(13);
    expect(verdicts.map(({ kind }) => kind)).toEqual(["allowed", "failed_open"]);
    expect(mistral.requests).toHaveLength(2);
    await service.start();
    expect(await standing()).toEqual({ used: 2 * COST, reserved: 0 });
    expect(settled.map(({ kind }) => kind)).toEqual(["recorded", "recorded"]);
  });

  it("settles a call that outlived Windbreak once it is back", async () => {
    const service = await killable();
    const { client, mistral, standing } = await rig({
      address: service.address,
      answers: { "POST /v1/chat/completions": { kind: "stall" } },
    });
    const coming = client.chat.complete(CHAT);
    const exchange = await mistral.arrived();
    await service.kill();
    exchange.whole(200, { "content-type": "application/json" }, Buffer.from(JSON.stringify(COMPLETION.body)));
    await coming;
    await service.start();
    expect(await standing()).toEqual({ used: COST, reserved: 0 });
  });

  it("waits no longer than its deadline for one that does not answer", async () => {
    const silent = await silentServer();
    const { client, mistral } = await rig({ address: silent, guard: { timeoutMs: 100 } });
    const refused = client.chat.complete(CHAT).catch((error: unknown) => error);
    expect(denialOf(await inTime(5_000, "a refusal", refused))).toMatchObject({
      reason: "unavailable",
      message: expect.stringContaining("DEADLINE_EXCEEDED"),
    });
    expect(mistral.requests).toEqual([]);
  });

  it("stops asking where its caller gives the call up", async () => {
    const { client, mistral, verdicts } = await rig({ address: await silentServer() });
    const abort = new AbortController();
    const coming = client.chat.complete(CHAT, { signal: abort.signal });
    abort.abort();
    await expect(inTime(5_000, "the end of the call", coming)).rejects.toMatchObject({ name: "RequestAbortedError" });
    expect(mistral.requests).toEqual([]);
    expect(verdicts).toEqual([]);
  });

  it("gives up what it could not report when it is closed", async () => {
    const service = await killable();
    const { client, settled } = await rig({ address: service.address, guard: { onUnavailable: "allow" } });
    await service.kill();
    await client.chat.complete(CHAT);
    await inTime(10_000, "the close", client.windbreak.close());
    expect(settled).toMatchObject([{ kind: "lost" }]);
  });
});
