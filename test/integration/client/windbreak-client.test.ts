import { HTTPClient, Mistral } from "@mistralai/mistralai";
import { describe, expect, it } from "vitest";
import { createWindbreakClient, createWindbreakFetch, withWindbreak } from "../../../src/client/client.js";
import { ANSWERS } from "../../support/mistral/answers.js";
import { ReplayServer } from "../../support/mistral/replay-server.js";
import { afterwards, startService } from "../running-service.js";
import { CHAT, COST, policyWith, rig, WHO } from "./rig.js";

async function connected(limits = "{ usd_per_month: 10 }") {
  const { address } = await startService(policyWith(limits));
  const client = createWindbreakClient({ address, timeoutMs: 10_000 });
  afterwards(() => client.close());
  return { address, client };
}

describe("the client of Windbreak alone", () => {
  it("asks before, settles after, and reads what is left", async () => {
    const { client } = await connected();
    const decision = await client.authorize({
      ...WHO,
      model: "mistral-small-latest",
      inputTokens: 10,
      maxOutputTokens: 3,
    });
    expect(decision).toMatchObject({
      allowed: true,
      reason: "allowed",
      model: "mistral-small-2603",
      maxOutputTokens: 3,
    });
    expect(decision.estimatedCostNanoUsd).toBe(COST);
    const { reservationId } = decision;
    const usage = { inputTokens: 10, outputTokens: 1 };
    expect(await client.recordUsage({ reservationId, usage })).toMatchObject({ costNanoUsd: 2_100, unreserved: false });
    const { limits, principal } = await client.checkBudget(WHO);
    expect(limits).toMatchObject([
      { name: "workspaces.search.usd_per_month", metric: "usd", window: "month", used: 2_100 },
    ]);
    expect(principal).toEqual({ id: "indexer", role: "service", workspace: "search" });
  });

  it("gets a denial as an answer", async () => {
    const { client } = await connected("{ requests_per_minute: 0 }");
    const decision = await client.authorize({ ...WHO, model: "mistral-small-latest" });
    expect(decision).toMatchObject({ allowed: false, reason: "rate_limited", retryAfterMs: undefined });
    expect(decision.limits).toMatchObject([
      { name: "workspaces.search.requests_per_minute", ceiling: 0, window: "minute" },
    ]);
  });

  it("fails where no decision was made, and says whose doing it is", async () => {
    const { client } = await connected();
    await expect(client.authorize({ ...WHO, model: "" })).rejects.toMatchObject({
      name: "WindbreakError",
      code: "INVALID_ARGUMENT",
      isAway: false,
    });
    client.close();
    await expect(client.authorize({ ...WHO, model: "m" })).rejects.toMatchObject({ code: "UNAVAILABLE", isAway: true });
  });

  it("does not send a credential where it could be read", () => {
    expect(() => createWindbreakClient({ address: "10.0.0.1:50051", credential: "wb_1" })).toThrow(TypeError);
  });
});

describe("what is guarded", () => {
  it("is any client that takes a fetch", async () => {
    const { address, client } = await connected();
    const mistral = await ReplayServer.start({ answers: ANSWERS });
    const windbreak = createWindbreakFetch({ ...WHO, address, timeoutMs: 10_000 });
    afterwards(() => windbreak.close());
    const sdk = new Mistral({ serverURL: `${mistral.url}`, httpClient: new HTTPClient({ fetcher: windbreak.fetch }) });
    await sdk.chat.complete(CHAT);
    await windbreak.settled();
    expect((await client.checkBudget(WHO)).limits).toMatchObject([{ used: COST, reserved: 0 }]);
  });

  it("keeps the hooks and the HTTP client that a client of Mistral's was given", async () => {
    const seen: string[] = [];
    const httpClient = new HTTPClient();
    httpClient.addHook("beforeRequest", (request) => void seen.push(new URL(request.url).pathname));
    const { client } = await rig({ sdk: { httpClient } });
    await client.chat.complete(CHAT);
    expect(seen).toEqual(["/v1/chat/completions"]);
  });

  it("is guarded once", async () => {
    const { client } = await rig({});
    expect(() => withWindbreak(client)).toThrow(TypeError);
  });
});
