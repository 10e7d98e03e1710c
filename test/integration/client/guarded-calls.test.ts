import { describe, expect, it } from "vitest";
import { denialOf } from "../../../src/client/client.js";
import { COMPLETION, SERVER_ERROR, STREAM } from "../../support/mistral/answers.js";
import { CHAT, COST, EAGER, OUTPUT_NANO_USD, reservedBy, rig } from "./rig.js";

const DATED = { ...CHAT, model: "mistral-small-2603", stream: false };
const CHAT_PATH = "POST /v1/chat/completions";

describe("Mistral's client with Windbreak", () => {
  it("settles what a call used, to the nano-dollar", async () => {
    const { client, standing, mistral } = await rig({});
    const answer = await client.chat.complete(CHAT);
    expect(answer.choices[0]?.message?.content).toBe("un deux trois");
    await client.embeddings.create({ model: "mistral-embed", inputs: "un" });
    expect(await standing()).toEqual({ used: COST + 4 * 100, reserved: 0 });
    expect(mistral.requests).toHaveLength(2);
  });

  it("sends the model that was priced, and the cap that was reserved where the call names none", async () => {
    const { client, mistral, verdicts } = await rig({ limits: "{ tokens_per_request: 900, usd_per_month: 10 }" });
    await client.chat.complete({ ...CHAT, n: 2, temperature: 0.5 });
    await client.chat.complete({ ...CHAT, maxTokens: 16 });
    const [first, second] = mistral.requests.map(({ body }): unknown => JSON.parse(body.toString()));
    const [verdict] = verdicts;
    const cap = verdict?.kind === "allowed" ? verdict.decision.maxOutputTokens : 0;
    expect(first).toEqual({ ...DATED, n: 2, temperature: 0.5, max_tokens: Math.floor(cap / 2) });
    expect(second).toEqual({ ...DATED, max_tokens: 16 });
  });

  it("passes each piece of a stream on as it comes", async () => {
    const { client, standing, mistral } = await rig({ answers: { [CHAT_PATH]: { ...STREAM, held: true } } });
    const coming = client.chat.stream(CHAT);
    const exchange = await mistral.arrived();
    const pieces = (await coming)[Symbol.asyncIterator]();
    for (const said of ["un", " deux", " trois"]) {
      const next = pieces.next();
      await exchange.chunk();
      expect((await next).value?.data.choices[0]?.delta.content).toBe(said);
    }
    exchange.rest();
    expect((await pieces.next()).done).toBe(true);
    expect(await standing()).toEqual({ used: COST, reserved: 0 });
  });

  it("charges a stream that is aborted what was seen of it", async () => {
    const { client, standing, mistral, verdicts } = await rig({ answers: { [CHAT_PATH]: { ...STREAM, held: true } } });
    const abort = new AbortController();
    const coming = client.chat.stream(CHAT, { signal: abort.signal });
    const exchange = await mistral.arrived();
    const pieces = (await coming)[Symbol.asyncIterator]();
    await exchange.chunk();
    await pieces.next();
    abort.abort();
    await expect(pieces.next()).rejects.toThrow();
    expect(await exchange.ended()).toBe("cut");
    // "un", and a tail of 64 tokens that Mistral may have written unseen.
    const [reserved] = reservedBy(verdicts);
    expect(await standing()).toEqual({ used: (reserved?.inputCost ?? 0) + 66 * OUTPUT_NANO_USD, reserved: 0 });
  });

  it("charges a stream that its caller leaves what was seen of it, and hangs up", async () => {
    const { client, standing, mistral, verdicts } = await rig({ answers: { [CHAT_PATH]: { ...STREAM, held: true } } });
    const coming = client.chat.stream(CHAT);
    const exchange = await mistral.arrived();
    const leaving = (async () => {
      for await (const { data } of await coming) return data.choices[0]?.delta.content;
      return undefined;
    })();
    await exchange.chunk();
    expect(await leaving).toBe("un");
    expect(await exchange.ended()).toBe("cut");
    const [reserved] = reservedBy(verdicts);
    expect(await standing()).toEqual({ used: (reserved?.inputCost ?? 0) + 66 * OUTPUT_NANO_USD, reserved: 0 });
  });

  it("reserves each attempt by itself and charges the one that Mistral answered", async () => {
    const failing = [503, 503].map((status) => ({ ...SERVER_ERROR, status }));
    const { client, standing, mistral, verdicts } = await rig({
      limits: "{ usd_per_month: 10, requests_per_day: 100 }",
      answers: { [CHAT_PATH]: () => failing.shift() ?? COMPLETION },
      sdk: { retryConfig: EAGER },
    });
    await client.chat.complete(CHAT);
    expect(mistral.requests).toHaveLength(3);
    expect(verdicts.map(({ kind }) => kind)).toEqual(["allowed", "allowed", "allowed"]);
    expect(await standing()).toEqual({ used: COST, reserved: 0 });
    expect(await standing("requests_per_day")).toEqual({ used: 3, reserved: 0 });
  });

  it("gives back what was reserved for a call that Mistral refuses", async () => {
    const { client, standing } = await rig({ answers: { [CHAT_PATH]: SERVER_ERROR } });
    const refused = client.chat.complete(CHAT);
    await expect(refused).rejects.toMatchObject({ statusCode: 500 });
    expect(denialOf(await refused.catch((error: unknown) => error))).toBeUndefined();
    expect(await standing()).toEqual({ used: 0, reserved: 0 });
  });

  it("gives back what was reserved where Mistral cannot be reached", async () => {
    const { client, standing, mistral } = await rig({});
    await mistral.stop();
    await expect(client.chat.complete(CHAT)).rejects.toMatchObject({ name: "ConnectionError" });
    expect(await standing()).toEqual({ used: 0, reserved: 0 });
  });

  it("charges the estimate of a call whose connection broke before it was answered", async () => {
    const { client, standing, verdicts } = await rig({ answers: { [CHAT_PATH]: { kind: "cut" } } });
    await expect(client.chat.complete(CHAT)).rejects.toMatchObject({ name: "ConnectionError" });
    expect(await standing()).toEqual({ used: reservedBy(verdicts)[0]?.cost, reserved: 0 });
  });

  it("reads compressed answers, which a fetch has unpacked", async () => {
    const { client, standing } = await rig({ answers: { [CHAT_PATH]: { ...COMPLETION, gzip: true } } });
    await client.chat.complete(CHAT);
    expect(await standing()).toEqual({ used: COST, reserved: 0 });
  });
});
