import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { Mistral } from "@mistralai/mistralai";
import { SDKError } from "@mistralai/mistralai/models/errors";
import { expect, it } from "vitest";
import { describeEnvoy } from "../support/envoy/describe-envoy.js";
import { httpCall } from "../support/envoy/http-call.js";
import { envoyAmong, IDS, surroundings } from "../support/envoy/stage.js";
import { eventually } from "../support/eventually.js";
import { RATE_LIMITED, SERVER_ERROR, STREAM } from "../support/mistral/answers.js";
import { valuesOf } from "../support/mistral/exchange.js";
import {
  CHAT,
  guardedPolicy,
  guardedSidecar,
  KEY,
  question,
  REQUESTS,
  settles,
  standing,
  TOKENS,
} from "./envoy-guarded.js";
import { revisionOf, startProcess } from "./running-process.js";

const STREAMED = question({ stream: true });
/** What Mistral says that each answer of these tests used. */
const USED = 13;
const TAIL_TOKENS = 64;

describeEnvoy("a guarded call", (version) => {
  it("goes to Mistral with the workspace's key, once, and is settled to the token", async () => {
    const { call, mistral, windbreak } = await guardedSidecar(version);
    const answer = await call(question(), { authorization: ["Bearer of-the-caller"], "x-api-key": "of-the-caller" });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      "x-windbreak-reason": "allowed",
      "x-windbreak-limit": REQUESTS,
      "x-windbreak-remaining": "999",
    });
    expect(JSON.parse(await answer.text())).toMatchObject({ usage: { total_tokens: USED } });
    const [request] = mistral.requests;
    expect(request && valuesOf(request, "authorization")).toEqual([`Bearer ${KEY}`]);
    expect(request && valuesOf(request, "x-api-key")).toEqual([]);
    await settles(windbreak, TOKENS, `${USED}/0`);
  });

  it("streams on unbuffered, and is settled to the token", async () => {
    const { call, mistral, windbreak } = await guardedSidecar(version);
    mistral.answer({ [`POST ${CHAT}`]: { ...STREAM, held: true } });
    const calling = call(STREAMED);
    const exchange = await mistral.arrived();
    const answer = await calling;
    expect(await exchange.chunk()).toBe(await answer.part());
    expect(await standing(windbreak.client, TOKENS)).not.toMatch(/\/0$/);
    exchange.rest();
    expect(await answer.text()).toBe(STREAM.chunks.slice(1).join(""));
    await settles(windbreak, TOKENS, `${USED}/0`);
  });

  it("is settled from an answer that came compressed all the same", async () => {
    const { call, mistral, windbreak } = await guardedSidecar(version);
    mistral.answer({ [`POST ${CHAT}`]: { ...STREAM, gzip: true } });
    expect((await call(STREAMED)).status).toBe(200);
    await settles(windbreak, TOKENS, `${USED}/0`);
  });

  it("whose caller hangs up is charged its input and what was seen", async () => {
    const { call, mistral, windbreak } = await guardedSidecar(version);
    mistral.answer({ [`POST ${CHAT}`]: { ...STREAM, held: true } });
    const cap = 5000;
    const calling = call({ ...STREAMED, max_tokens: cap });
    const exchange = await mistral.arrived();
    const answer = await calling;
    const reserved = Number((await standing(windbreak.client, TOKENS)).split("/")[1]);
    await exchange.chunk();
    await answer.part();
    answer.hangUp();
    await exchange.ended();
    const seen = "un".length;
    await settles(windbreak, TOKENS, `${reserved - cap + seen + TAIL_TOKENS}/0`);
  });

  it.each([
    ["500", SERVER_ERROR],
    ["429", RATE_LIMITED],
  ])("that Mistral answers by %s costs its request and nothing else", async (status, failure) => {
    const { call, mistral, windbreak } = await guardedSidecar(version);
    mistral.answer({ [`POST ${CHAT}`]: failure });
    expect((await call()).status).toBe(Number(status));
    await settles(windbreak, TOKENS, "0/0");
    await settles(windbreak, REQUESTS, "1/0");
  });

  it("that Mistral had, and that breaks off before its answer, is charged what was reserved", async () => {
    const { call, mistral, windbreak } = await guardedSidecar(version);
    mistral.answer({ [`POST ${CHAT}`]: { kind: "cut" } });
    expect((await call()).status).toBe(503);
    expect(mistral.requests).toHaveLength(1);
    await settles(windbreak, REQUESTS, "1/0");
    expect(await standing(windbreak.client, TOKENS)).toMatch(/^[1-9]\d*\/0$/);
  });

  it("is refused in Mistral's form before Mistral hears of it", async () => {
    const { call, mistral, envoy } = await guardedSidecar(version, guardedPolicy({ requests: 1 }));
    expect((await call(question({ model: "mistral-large-latest" }))).status).toBe(403);
    expect((await call("{")).status).toBe(400);
    expect((await call(question({ max_tokens: 90_000 }))).status).toBe(422);
    expect((await call(question(), { "content-encoding": "gzip" })).status).toBe(415);
    expect((await httpCall({ port: envoy.port, path: "/v1/files", body: {} })).status).toBe(403);
    expect(mistral.requests).toEqual([]);
    expect((await call()).status).toBe(200);
    const refused = await call();
    expect(refused.status).toBe(429);
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    expect(JSON.parse(await refused.text())).toMatchObject({
      object: "error",
      type: "rate_limit_error",
      code: "rate_limited",
      windbreak: { limit: REQUESTS, remaining: 0 },
    });
    expect(mistral.requests).toHaveLength(1);
  });

  it("is refused by 503 while Windbreak is down, and goes on once it is back, with its books", async () => {
    const { call, mistral, windbreak, again } = await guardedSidecar(version);
    expect((await call()).status).toBe(200);
    await settles(windbreak, TOKENS, `${USED}/0`);
    windbreak.kill("SIGKILL");
    await windbreak.ended();
    const refused = await call();
    expect(refused.status).toBe(503);
    expect(JSON.parse(await refused.text())).toMatchObject({ object: "error", code: "policy_unavailable" });
    expect(mistral.requests).toHaveLength(1);
    const back = await again();
    await eventually(async () => expect((await call()).status).toBe(200));
    await settles(back, TOKENS, `${2 * USED}/0`);
  });

  it("is decided by an edited policy, and sent with a key that was rotated, without a restart", async () => {
    const { call, mistral, policy, windbreak } = await guardedSidecar(version);
    expect((await call()).status).toBe(200);
    writeFileSync(policy.keyFile, "key-of-mistral-02");
    await eventually(async () => {
      await call();
      const last = mistral.requests.at(-1);
      expect(last && valuesOf(last, "authorization")).toEqual(["Bearer key-of-mistral-02"]);
    });
    writeFileSync(windbreak.file, policy.edited(1));
    await eventually(async () => expect((await call()).status).toBe(429));
  });

  it("is one of a hundred streams, and all are settled, also over a reload", async () => {
    const { call, mistral, policy, windbreak } = await guardedSidecar(version);
    mistral.answer({ [`POST ${CHAT}`]: { ...STREAM, held: true } });
    const calls = Array.from({ length: 100 }, () => call(STREAMED));
    const exchanges = await Promise.all(calls.map(() => mistral.arrived()));
    const answers = await Promise.all(calls);
    expect(await standing(windbreak.client, REQUESTS)).toBe("0/100");
    writeFileSync(windbreak.file, policy.edited(50));
    const revision = revisionOf(policy.edited(50));
    await eventually(async () => {
      const { policy_revision: inForce } = await windbreak.client.checkBudget({ principal: { id: "ci-reviewer" } });
      expect(inForce).toBe(revision);
    });
    for (const exchange of exchanges) exchange.rest();
    const texts = await Promise.all(answers.map((answer) => answer.text()));
    expect(new Set(texts)).toEqual(new Set([STREAM.chunks.join("")]));
    await settles(windbreak, TOKENS, `${100 * USED}/0`);
    await settles(windbreak, REQUESTS, "100/0");
  });

  it("of Mistral's own client is answered as Mistral would", async () => {
    const { envoy, windbreak } = await guardedSidecar(version);
    const client = new Mistral({ apiKey: "none", serverURL: `http://127.0.0.1:${envoy.port}` });
    const messages = [{ role: "user" as const, content: "Count." }];
    const whole = await client.chat.complete({ model: "mistral-small-latest", messages });
    expect(whole.usage.totalTokens).toBe(USED);
    for await (const _ of await client.chat.stream({ model: "mistral-small-latest", messages }));
    await client.embeddings.create({ model: "mistral-embed", inputs: "un" });
    await settles(windbreak, TOKENS, `${2 * USED + 4}/0`);
    const refused = client.chat.complete({ model: "mistral-large-latest", messages });
    await expect(refused).rejects.toBeInstanceOf(SDKError);
    await expect(refused).rejects.toMatchObject({ statusCode: 403 });
  });

  it("of curl's shows what is left", async () => {
    const { envoy } = await guardedSidecar(version);
    const { stdout } = await promisify(execFile)("curl", [
      "--silent",
      "--include",
      `http://127.0.0.1:${envoy.port}${CHAT}`,
      "--header",
      "content-type: application/json",
      "--data",
      JSON.stringify(question()),
    ]);
    expect(stdout).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(stdout).toMatch(/^x-windbreak-remaining: 999\r$/m);
    expect(stdout).toMatch(/"total_tokens":13/);
  });
});

describeEnvoy("a call through the gateway", (version) => {
  it("is that of the principal whom the caller's certificate proves, and Windbreak takes no other than this Envoy", async () => {
    const around = await surroundings();
    const { windbreak: own, service, gateway } = around.certificates;
    const { text } = guardedPolicy();
    const windbreak = await startProcess(text, {
      listen: `unix:${around.socket}`,
      flags: [
        "--listen-envoy",
        "127.0.0.1:0",
        ...["--tls-cert", own.files.certificate, "--tls-key", own.files.key],
        ...["--tls-client-ca", around.authority.root.files.certificate, "--envoy-peer", IDS.envoy],
      ],
    });
    const [, at = ""] = await windbreak.line(/listening for Envoy on (\S+)/);
    const { port } = await envoyAmong(around, { version, bootstrap: "gateway", windbreak: at });
    const tls = { client: service, root: around.authority.root.certificate };
    expect((await httpCall({ port, path: CHAT, body: question(), tls })).status).toBe(200);
    await settles(windbreak, TOKENS, `${USED}/0`);

    // An Envoy of the same authority, under another name.
    const other = { ...around, certificates: { ...around.certificates, envoy: gateway } };
    const stranger = await envoyAmong(other, { version, bootstrap: "gateway", windbreak: at });
    expect((await httpCall({ port: stranger.port, path: CHAT, body: question(), tls })).status).toBe(503);
    await windbreak.line(/a TLS connection was refused: .*envoy-peer/);
  });
});
