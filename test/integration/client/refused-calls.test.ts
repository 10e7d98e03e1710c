import { SDKError } from "@mistralai/mistralai/models/errors";
import { describe, expect, it } from "vitest";
import { denialOf } from "../../../src/client/client.js";
import { RATE_LIMITED } from "../../support/mistral/answers.js";
import { CHAT, COST, EAGER, rig } from "./rig.js";

const SMALL = { ...CHAT, maxTokens: 16 };

/** What a call failed with, as Windbreak's denial. */
async function denied(call: Promise<unknown>) {
  const error = await call.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  return denialOf(error);
}

describe("Mistral's client, refused by Windbreak", () => {
  it("fails with the error that it knows, which says which limit and how much is left", async () => {
    const { client, mistral } = await rig({ limits: "{ usd_per_month: 0.000001 }" });
    const refused = client.chat.complete(SMALL);
    await expect(refused).rejects.toBeInstanceOf(SDKError);
    expect(await denied(refused)).toMatchObject({
      reason: "spend_limit_exceeded",
      httpStatus: 402,
      limit: "workspaces.search.usd_per_month",
      remaining: 1_000,
      message: expect.stringContaining("ask for less"),
    });
    expect(mistral.requests).toEqual([]);
  });

  it("does not ask again for a budget, whatever status the policy gives it", async () => {
    const { client, verdicts } = await rig({
      limits: "{ tokens_per_day: { ceiling: 50, status: 429 } }",
      sdk: { retryConfig: EAGER },
    });
    expect(await denied(client.chat.complete(SMALL))).toMatchObject({
      reason: "token_budget_exceeded",
      httpStatus: 402,
    });
    expect(verdicts).toHaveLength(1);
  });

  it("does not ask again for a rate that never frees", async () => {
    const { client, verdicts } = await rig({ limits: "{ requests_per_minute: 0 }", sdk: { retryConfig: EAGER } });
    expect(await denied(client.chat.complete(SMALL))).toMatchObject({ reason: "rate_limited", httpStatus: 403 });
    expect(verdicts).toHaveLength(1);
  });

  it("waits as long as a rate says, and asks again", async () => {
    const { client, verdicts, mistral } = await rig({
      limits: "{ requests_per_second: 1 }",
      sdk: { retryConfig: EAGER },
    });
    await client.chat.complete(SMALL);
    const begun = performance.now();
    await client.chat.complete(SMALL);
    expect(performance.now() - begun).toBeGreaterThan(900);
    const refusals = verdicts.flatMap((one) => (one.kind === "denied" ? [one.denial.retryAfterMs] : []));
    expect(refusals.length).toBeLessThanOrEqual(2);
    expect(refusals[0]).toBeGreaterThan(0);
    expect(mistral.requests).toHaveLength(2);
  });

  it("does not take Mistral's own refusal for one of Windbreak's", async () => {
    const { client, standing } = await rig({ answers: { "POST /v1/chat/completions": RATE_LIMITED } });
    expect(await denied(client.chat.complete(SMALL))).toBeUndefined();
    expect(await standing()).toEqual({ used: 0, reserved: 0 });
  });

  it("says how much output would pass", async () => {
    const { client } = await rig({ limits: "{ tokens_per_request: 200 }" });
    const refusal = await denied(client.chat.complete({ ...CHAT, maxTokens: 400 }));
    expect(refusal).toMatchObject({ reason: "request_too_large", httpStatus: 422 });
    const { fittingOutputTokens = 0 } = refusal ?? {};
    await client.chat.complete({ ...CHAT, maxTokens: fittingOutputTokens });
    expect(await denied(client.chat.complete({ ...CHAT, maxTokens: fittingOutputTokens + 1 }))).toBeDefined();
  });

  it("admits exactly as many of a crowd as there is room for", async () => {
    const { client, mistral, standing } = await rig({ limits: "{ requests_per_day: 10, usd_per_month: 10 }" });
    const crowd = await Promise.allSettled(Array.from({ length: 40 }, () => client.chat.complete(SMALL)));
    expect(crowd.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
    expect(mistral.requests).toHaveLength(10);
    expect(await standing()).toEqual({ used: 10 * COST, reserved: 0 });
  });

  it("lets pass what costs nothing, and refuses what it cannot price unless it is listed", async () => {
    const speech = { "POST /v1/audio/speech": { kind: "whole" as const, body: { audio_data: "AAAA" } } };
    const call = { model: "voxtral-mini-tts-latest", input: "un", voiceId: "one" };
    const { client, mistral, verdicts, options } = await rig({ answers: speech });
    expect((await client.models.list()).data).toHaveLength(1);
    expect(verdicts).toEqual([]);
    expect(await denied(client.audio.speech.complete(call))).toMatchObject({
      reason: "endpoint_not_allowed",
      message: expect.stringContaining('list "POST /v1/audio/speech" under unguarded'),
    });
    expect(mistral.requests).toHaveLength(1);

    const listed = await rig({
      answers: speech,
      address: options.address ?? "",
      guard: { unguarded: ["POST /v1/audio/*"] },
    });
    await listed.client.audio.speech.complete(call);
    expect(listed.mistral.requests).toHaveLength(1);
  });

  it("refuses what nothing bounds, unless an estimate does", async () => {
    const answers = { "POST /v1/agents/completions": { kind: "stall" as const } };
    const call = { agentId: "ag:1", messages: CHAT.messages };
    const { client, mistral, verdicts } = await rig({ answers });
    expect(await denied(client.agents.complete(call))).toMatchObject({ reason: "request_too_large" });
    expect(mistral.requests).toEqual([]);
    expect(verdicts).toHaveLength(1);

    const estimated = await rig({ answers, guard: { estimate: () => ({ inputTokens: 5_000 }) } });
    // The policy knows no agent: it is Windbreak that says so.
    expect(await denied(estimated.client.agents.complete(call))).toMatchObject({ reason: "model_unknown" });
  });

  it("reserves what an estimate says, in whole tokens", async () => {
    const { client, verdicts } = await rig({
      guard: { estimate: ({ body }) => ({ inputTokens: body.length / 4, maxOutputTokens: 10 }) },
    });
    await client.chat.complete(CHAT);
    const [verdict] = verdicts;
    expect(verdict).toMatchObject({ kind: "allowed", decision: { maxOutputTokens: 10 } });
  });

  it("tells who calls for each call anew", async () => {
    let role = "service";
    const { client } = await rig({ guard: { perCall: () => ({ role }) } });
    await client.chat.complete(SMALL);
    role = "nobody";
    expect(await denied(client.chat.complete(SMALL))).toMatchObject({ reason: "unknown_role", httpStatus: 403 });
  });

  it("tells a question that Windbreak would not judge from a Windbreak that is away", async () => {
    const { client, mistral } = await rig({ guard: { workspace: "no such name!", onUnavailable: "allow" } });
    expect(await denied(client.chat.complete(SMALL))).toMatchObject({ reason: "rejected", httpStatus: 400 });
    expect(mistral.requests).toEqual([]);
  });
});
