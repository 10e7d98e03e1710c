import { appendFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { apiKeyHashOf, apiKeyOf } from "../support/api-keys.js";
import { KeyServer, signingKey, signToken } from "../support/issuer.js";
import { OtlpCollector } from "../support/otlp-collector.js";
import { describeWith } from "../support/redis/describe-with.js";
import { startRedis } from "../support/redis/redis-server.js";
import { answerMessages, CHAT, type Checked, chat, connectEnvoy, type Told } from "./envoy-client.js";
import { policyFile, startProcess } from "./running-process.js";
import { afterwards, connect, temporaryDirectory } from "./running-service.js";

const ISSUER = "https://idp.example";
const [ONE, TWO] = await Promise.all([signingKey("one"), signingKey("two")]);
const small = { model: "mistral-small-latest", input_tokens: 1, max_output_tokens: 1 };
const CLAIMS = { iss: ISSUER, aud: "windbreak", sub: "ann", note: "MARKCLAIM" };

const [OWN_KEY, OTHER_KEY] = [apiKeyOf("search"), apiKeyOf("another")];
const ADMIN_TOKEN = "MARKADMINTOKEN0123456789";
const UPSTREAM_KEY = "MARKUPSTREAMKEY0123456789";
const PASSWORD = "MARKREDISPASSWORD";
const PROMPT = "MARKPROMPT";
const ANSWER = "MARKANSWER";
const WEBHOOK = "MARKWEBHOOK";
const COLLECTOR = "MARKCOLLECTOR";

const policyFor = (jwks: string, upstream: string) => `version: 1
workspaces: { dev: { models: ["*"], upstream_key: ${upstream}, limits: { requests_per_day: 200 } } }
roles: { crew: { models: ["*"] } }
principals:
  search: { role: crew, workspace: dev, credentials: [{ api_key_sha256: "${apiKeyHashOf("search")}" }] }
trust:
  - jwt: { issuer: ${ISSUER}, audience: windbreak, jwks: ${jwks} }
    principal: { claim: sub }
    role: crew
    workspace: dev
alerts: [{ at: [1%], limits: "*", notify: ops }]
notify: { ops: { webhook: "http://127.0.0.1:1/${WEBHOOK}" } }
`;

/** All that the service says, at every door, to anyone. */
async function start() {
  const redis = await startRedis();
  await redis.send("ACL", "SETUSER", "windbreak", "on", `>${PASSWORD}`, "~*", "&*", "+@all");
  const issuer = await KeyServer.start(ONE);
  afterwards(() => issuer.close());
  const directory = temporaryDirectory();
  const fileWith = (name: string, text: string) => {
    const file = join(directory, name);
    writeFileSync(file, text);
    return file;
  };
  const files = {
    admin: fileWith("admin", ADMIN_TOKEN),
    upstream: fileWith("upstream", UPSTREAM_KEY),
    redis: fileWith("redis", `redis://windbreak:${PASSWORD}@127.0.0.1:${redis.port}`),
  };
  const policy = policyFor(issuer.url, `{ file: ${files.upstream} }`);
  const socket = `unix:${join(directory, "envoy.sock")}`;
  const flags = [
    "--identity",
    "credential",
    "--listen-envoy",
    socket,
    "--log-level",
    "debug",
    "--decision-log",
    "stdout",
  ];
  const secrets = ["--admin-token-file", files.admin, "--redis-file", files.redis];
  const collector = await OtlpCollector.start();
  afterwards(() => collector.close());
  const env = { ...collector.env, OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${COLLECTOR}` };
  const running = await startProcess("", { file: policyFile(policy), flags: [...flags, ...secrets], env });
  await running.line(/the counter store at .* answers/);
  return { ...running, redis, issuer, collector, files, policy, envoy: connectEnvoy(socket) };
}

type Running = Awaited<ReturnType<typeof start>>;

/** Call every RPC and open a stream, and give what came back, errors in full. */
async function callAll(address: string, authorization: string | undefined): Promise<readonly string[]> {
  const client = connect(address, credentials.createInsecure(), authorization);
  const failed = (error: Error) => `${error.message} ${JSON.stringify(error)} ${String(error)}`;
  const stream = client.authorizeStream();
  const streamed = new Promise<string>((resolve) => {
    const parts: string[] = [];
    stream.on("data", (answer) => parts.push(JSON.stringify(answer)));
    stream.on("error", (error) => parts.push(failed(error)));
    stream.on("status", (status) => resolve(`${parts.join("\n")} ${JSON.stringify(status)}`));
  });
  stream.write({ request: { ...small, request_id: "q1" } });
  stream.end();
  const calls = [
    client.authorize(small),
    client.authorize({ ...small, principal: { id: "eve" } }),
    client.authorize({ ...small, model: "no-such-model" }),
    client.checkBudget({}),
    client.recordUsage({ request_id: "r1", model: "mistral-small-latest", usage: { input_tokens: 1 } }),
    client.recordUsage({ request_id: "r2" }),
    client.sendBytes("Authorize", Buffer.from([255])).then(String),
  ];
  return Promise.all([streamed, ...calls.map((call) => call.then(JSON.stringify, failed))]);
}

/** Ask the admin port as an operator does, or a stranger. */
function askAdmin({ adminPort }: Running, path: string, headers: Record<string, string>, body = ""): Promise<string> {
  const [host, port] = adminPort.split(":");
  return new Promise((resolve, reject) => {
    const asked = request({ host, port, path, method: body === "" ? "GET" : "POST", headers }, (response) => {
      let text = JSON.stringify(response.headers);
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve(`${response.statusCode} ${text}`));
    });
    asked.on("error", reject).end(body);
  });
}

const OPERATIONS = ["/v1/overview", "/v1/decisions", "/v1/denials", "/v1/budgets", "/v1/principals?id=ada"];
const SUMS = ["/v1/usage", "/v1/usage?by=principal", "/v1/keys"];

async function askAdminAll(running: Running): Promise<readonly string[]> {
  const json = { "content-type": "application/json" };
  const said: string[] = [];
  for (const authorization of [`Bearer ${ADMIN_TOKEN}`, `Bearer ${ADMIN_TOKEN}x`, `Basic ${ADMIN_TOKEN}`]) {
    for (const path of [
      "/",
      "/metrics",
      "/healthz",
      "/readyz",
      "/v1/limits",
      "/v1/reservations",
      ...OPERATIONS,
      ...SUMS,
      "/nowhere",
    ]) {
      said.push(await askAdmin(running, path, { authorization }));
    }
    for (const body of [`{"reservation_id": "none"}`, `{"${PROMPT}`, `{"reservation_id": {"${PROMPT}": 1}}`]) {
      said.push(await askAdmin(running, "/v1/reservations/release", { authorization, ...json }, body));
    }
  }
  return said;
}

/** What Envoy is told; where a call goes on, the key that it goes on with is not for the log, but for Envoy alone. */
async function askEnvoy({ envoy }: Running, told: Told): Promise<Checked> {
  const checked = await envoy.check(told);
  const { authorization, ...headers } = checked.headers;
  if (checked.status === 0) expect(authorization).toBe(`Bearer ${UPSTREAM_KEY}`);
  return { ...checked, headers: checked.status === 0 ? headers : checked.headers };
}

async function askEnvoyAll(running: Running): Promise<readonly string[]> {
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
  const messages = [{ role: "user", content: PROMPT }];
  const bodies = [
    chat({ messages }),
    chat({ messages, model: "no-such-model" }),
    chat({ messages: PROMPT }),
    chat({ messages: [{ role: PROMPT, content: { [PROMPT]: PROMPT } }] }),
    chat({ messages, max_tokens: PROMPT }),
    `{"messages": [{"content": "${PROMPT}`,
    `{"model": "${PROMPT}\\q"}`,
    `{"model": "\\u00zz${PROMPT}"}`,
    `{"${PROMPT}": 1, "${PROMPT}": 2}`,
    Buffer.from([0xff, ...Buffer.from(PROMPT)]),
    PROMPT,
  ];
  const said: Checked[] = [];
  for (const body of bodies) said.push(await askEnvoy(running, { body, headers: bearer(OWN_KEY) }));
  for (const key of [OTHER_KEY, OWN_KEY.slice(0, -1), `${OWN_KEY}, ${OTHER_KEY}`]) {
    said.push(await askEnvoy(running, { body: chat({ messages }), headers: bearer(key) }));
  }
  const { claims, path } = {
    claims: [{ iss: ISSUER, aud: "windbreak", note: "MARKCLAIM" }],
    path: `${CHAT}?q=${PROMPT}`,
  };
  said.push(await askEnvoy(running, { body: chat({ messages }), claims }));
  said.push(await askEnvoy(running, { path, body: chat({ messages }), headers: bearer(OWN_KEY) }));
  const admitted = said.filter(({ status }) => status === 0);

  const answers = [
    `{"choices": [{"message": {"content": "${ANSWER}"}}], "usage": {"prompt_tokens": 1}}`,
    `{"${ANSWER}`,
  ];
  const replies: string[] = [];
  for (const chunk of answers) {
    const stream = running.envoy.process();
    stream.on("error", () => {}).on("data", (reply: object) => replies.push(JSON.stringify(reply)));
    const ended = new Promise((resolve) => stream.on("status", resolve));
    for (const message of answerMessages({ metadata: admitted[0]?.metadata ?? {}, chunks: [chunk] }))
      stream.write(message);
    stream.end();
    await ended;
  }
  return [...said.map((one) => JSON.stringify(one)), ...replies];
}

describeWith(["redis-server"], "a service that holds secrets", () => {
  it("says none of them to anyone: in no line, answer or metric, whatever goes wrong", async () => {
    const running = await start();
    const { address, files, file, line, redis, issuer, collector, policy } = running;
    const tokens = [
      await signToken(ONE, CLAIMS),
      await signToken(TWO, CLAIMS, { kid: "one" }),
      await signToken(TWO, CLAIMS),
      await signToken(ONE, CLAIMS, { exp: 1_000 }),
      await signToken(ONE, { ...CLAIMS, aud: "MARKCLAIM" }),
      await signToken(ONE, { ...CLAIMS, sub: ["MARKCLAIM", "MARKCLAIM2"] }),
    ];
    const shown = [
      undefined,
      ...[OWN_KEY, OTHER_KEY, OWN_KEY.slice(0, -1), `${OWN_KEY.slice(0, -1)}!`, ...tokens].map(
        (one) => `Bearer ${one}`,
      ),
      `Basic ${OWN_KEY}`,
      `Bearer ${OWN_KEY}, Bearer ${OTHER_KEY}`,
    ];
    const said: string[] = [];
    const askAll = async () => {
      for (const one of shown) said.push(...(await callAll(address, one)));
      said.push(...(await askEnvoyAll(running)), ...(await askAdminAll(running)));
    };
    await askAll();
    await line(/notify\.ops could not be told/);
    expect(said.join("\n")).toContain('"windbreak_reason":"allowed"');
    expect(said.join("\n")).toContain(`"api_key_sha256":"${apiKeyHashOf("search")}"`);

    // Everything that a secret comes from goes wrong at once.
    issuer.fail();
    collector.status = 401;
    writeFileSync(files.admin, `${ADMIN_TOKEN} and more`);
    writeFileSync(files.upstream, `${UPSTREAM_KEY} and more`);
    await redis.send("ACL", "SETUSER", "windbreak", "resetpass", ">another");
    await redis.send("CLIENT", "KILL", "USER", "windbreak");
    writeFileSync(file, policyFor(issuer.url, UPSTREAM_KEY));
    await Promise.all([
      line(/ error .*stays in force: .*upstream_key/),
      line(/the counter store at .* does not answer|the counter store at .* is away|WRONGPASS/),
      line(/the token that was there last stays in force/),
      line(/the Mistral key that it held last stays in force/),
    ]);
    await askAll();
    writeFileSync(file, policy);
    appendFileSync(file, `# ${UPSTREAM_KEY}\n`);
    running.kill("SIGTERM");
    const { stdout, stderr } = await running.ended();

    const exported = [...collector.spans, ...collector.series, collector.resource].map((one) => JSON.stringify(one));
    const all = [stdout, ...stderr, ...said, ...exported].join("\n");
    const secrets = [OWN_KEY, OTHER_KEY].map((key) => key.slice(12, 40));
    for (const token of tokens) secrets.push(...token.split(".").map((part) => part.slice(0, 24)));
    secrets.push("MARKCLAIM", ADMIN_TOKEN, UPSTREAM_KEY, PASSWORD, PROMPT, ANSWER, WEBHOOK, COLLECTOR);
    expect(all.length).toBeGreaterThan(50_000);
    expect(stdout).toContain('"kind":"decision"');
    expect(collector.spans.length).toBeGreaterThan(10);
    for (const secret of secrets) expect(all.split("\n").filter((one) => one.includes(secret))).toEqual([]);
  });
});
