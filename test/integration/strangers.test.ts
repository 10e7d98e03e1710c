import { credentials, status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { apiKeyHashOf, apiKeyOf } from "../support/api-keys.js";
import { eventually } from "../support/eventually.js";
import { forgedToken, KeyServer, signingKey, signToken } from "../support/issuer.js";
import { parseScrape, select } from "../unit/telemetry/prometheus-text.js";
import { policyFile, startProcess } from "./running-process.js";
import { afterwards, connect, statusOf } from "./running-service.js";

const ISSUER = "https://idp.example";
const [ONE, TWO] = await Promise.all([signingKey("one"), signingKey("two")]);
const small = { model: "mistral-small-latest", input_tokens: 1, max_output_tokens: 1 };
const CLAIMS = { iss: ISSUER, aud: "windbreak", sub: "ann" };

const policyFor = (jwks: string) => `version: 1
workspaces: { dev: { models: ["*"] } }
roles: { crew: { models: ["*"] } }
principals:
  search: { role: crew, workspace: dev, credentials: [{ api_key_sha256: "${apiKeyHashOf("search")}" }] }
trust:
  - jwt: { issuer: ${ISSUER}, audience: windbreak, jwks: ${jwks} }
    principal: { claim: sub }
    role: { claim: role, map: { x: crew } }
    workspace: dev
`;

async function start() {
  const issuer = await KeyServer.start(ONE);
  afterwards(() => issuer.close());
  const file = policyFile(policyFor(issuer.url));
  const running = await startProcess("", { file, flags: ["--identity", "credential"] });
  await eventually(async () => expect(issuer.asked).toBe(1));
  const as = (shown?: string) =>
    connect(running.address, credentials.createInsecure(), shown === undefined ? undefined : `Bearer ${shown}`);
  /** What was counted, where it is not 0. */
  const counted = async () => {
    const found = select(parseScrape((await running.get("/metrics")).text), "windbreak_unauthenticated_total");
    const rows = found.filter(({ value }) => value > 0);
    return Object.fromEntries(rows.map(({ labels, value }) => [`${labels["door"]} ${labels["why"]}`, value]));
  };
  return { ...running, issuer, as, counted };
}

describe("a call that is refused for who makes it", () => {
  it("is counted by why, in every RPC, and told in one line that holds nothing that was shown", async () => {
    const { as, counted, lines, line, kill, ended } = await start();
    const key = apiKeyOf("another");
    const shown: readonly (readonly [string, string | undefined])[] = [
      ["missing", undefined],
      ["malformed", `${key.slice(0, -1)}`],
      ["malformed", "not.a.token"],
      ["wrong_key", key],
      ["wrong_issuer", await signToken(ONE, { ...CLAIMS, iss: "https://other.example" })],
      ["wrong_audience", await signToken(ONE, { ...CLAIMS, aud: "x" })],
      ["wrong_signature", await signToken(TWO, CLAIMS, { kid: "one" })],
      ["wrong_signature", forgedToken({ alg: "none" }, CLAIMS)],
      ["expired", await signToken(ONE, CLAIMS, { exp: 1_000 })],
      ["wrong_token", await signToken(ONE, CLAIMS, { exp: null })],
      ["unknown", await signToken(ONE, CLAIMS)],
    ];
    const expected: Record<string, number> = {};
    for (const [why, credential] of shown) {
      const client = as(credential);
      if (why === "unknown") expect(await client.authorize(small)).toMatchObject({ allowed: false });
      else expect((await statusOf(client.authorize(small))).code).toBe(status.UNAUTHENTICATED);
      await statusOf(client.checkBudget({}));
      await statusOf(client.recordUsage({ request_id: "r1", usage: {} }));
      expected[`grpc ${why}`] = (expected[`grpc ${why}`] ?? 0) + 3;
    }
    const own = as(apiKeyOf("search"));
    await own.authorize(small);
    expect((await statusOf(own.authorize({ ...small, principal: { id: "eve" } }))).code).toBe(status.PERMISSION_DENIED);
    expect(await counted()).toEqual({ ...expected, "grpc another": 1 });

    await line(/ warn .*a call at --listen from 127\.0\.0\.1:\d+ was refused \(missing: nothing says who calls/);
    kill("SIGTERM");
    await ended();
    const told = lines.filter((one) => one.includes("refused"));
    expect(told).toHaveLength(2);
    expect(told[1]).toMatch(
      / 33 more calls at --listen were refused for who makes them; the last: .* \(another: it claims, /,
    );
    for (const [, credential = key] of shown) expect(lines.join("\n")).not.toContain(credential.slice(-8));
  });

  it("is counted on a stream where it is opened, and for each question", async () => {
    const { as, counted } = await start();
    const ending = new Promise((resolve) => {
      const stream = as().authorizeStream();
      stream.on("error", () => {});
      stream.on("status", ({ code }) => resolve(code));
    });
    expect(await ending).toBe(status.UNAUTHENTICATED);
    const stream = as(apiKeyOf("search")).authorizeStream();
    const answers: object[] = [];
    stream.on("data", (answer) => answers.push(answer));
    for (const id of ["q1", "q2"]) stream.write({ request: { ...small, request_id: id, principal: { id: "eve" } } });
    stream.end();
    await eventually(async () => expect(answers).toHaveLength(2));
    expect(await counted()).toEqual({ "grpc missing": 1, "grpc another": 2 });
  });

  it("asks an issuer for its keys once, however many unknown keys strangers name", async () => {
    const { as, issuer } = await start();
    for (let name = 0; name < 20; name++) {
      const client = as(await signToken(TWO, CLAIMS, { kid: `k${name}` }));
      expect((await statusOf(client.authorize(small))).code).toBe(status.UNAUTHENTICATED);
    }
    expect(issuer.asked).toBe(1);
  });
});
