import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { apiKeyHashOf, apiKeyOf } from "../support/api-keys.js";
import { eventually } from "../support/eventually.js";
import { KeyServer, signingKey, signToken } from "../support/issuer.js";
import { type Answer, afterwards, connect, startService, statusOf, temporaryDirectory } from "./running-service.js";

const ISSUER = "https://idp.example";
const [ONE, TWO] = await Promise.all([signingKey("one"), signingKey("two")]);
const small = { model: "mistral-small-latest", input_tokens: 1, max_output_tokens: 1 };
const CLAIMS = { iss: ISSUER, aud: "windbreak", sub: "ann", team: "lab" };

const policyFor = (jwks: string, keyOf = "search") => `version: 1
workspaces: { dev: { models: ["*"], limits: { requests_per_day: 100 } }, lab: { models: ["*"] } }
roles: { crew: { models: ["*"] }, boss: { models: ["*"] } }
unlisted_principals: deny
principals:
  search: { role: crew, workspace: dev, credentials: [{ api_key_sha256: "${apiKeyHashOf(keyOf)}" }] }
  report: { role: crew, workspace: dev, credentials: [{ api_key_sha256: "${apiKeyHashOf("report")}" }] }
  gone: { role: crew, workspace: dev, disabled: true, credentials: [{ api_key_sha256: "${apiKeyHashOf("gone")}" }] }
trust:
  - jwt: { issuer: ${ISSUER}, audience: windbreak, jwks: ${jwks} }
    principal: { claim: sub }
    role: { claim: role, map: { "": crew, lead: boss } }
    workspace: { claim: team, map: { lab: lab } }
  - jwt: { issuer: ${ISSUER}, audience: plain, jwks: ${jwks} }
    principal: { claim: sub }
    role: crew
    workspace: lab
`;
const PLAIN = { ...CLAIMS, aud: "plain" };

/** Serve callers that must prove who they are, with a real issuer behind. */
async function start() {
  const issuer = await KeyServer.start(ONE);
  afterwards(() => issuer.close());
  const running = await startService(policyFor(issuer.url), { identity: { kind: "credential" } });
  await eventually(async () => expect(issuer.asked).toBe(1));
  const as = (authorization?: string) => connect(running.address, credentials.createInsecure(), authorization);
  return {
    ...running,
    issuer,
    as,
    asKey: (seed: string) => as(`Bearer ${apiKeyOf(seed)}`),
    asToken: (token: string) => as(`Bearer ${token}`),
    /** Put another policy in force. */
    async reload(policy: string) {
      writeFileSync(running.file, policy);
      expect(["swapped", "unchanged"]).toContain(await running.live.reload());
    },
  };
}

type Stage = Awaited<ReturnType<typeof start>>;
type Caller = ReturnType<Stage["as"]>;

/** Every RPC with the same claim about who asks, by what each came to: `OK` or the status. */
async function statusesOf(client: Caller, principal?: object) {
  const named = principal ? { principal } : {};
  const calls = {
    authorize: client.authorize({ ...small, ...named }),
    checkBudget: client.checkBudget(named),
    recordUsage: client.recordUsage({ request_id: "none", model: small.model, usage: {}, ...named }),
  };
  const entries = Object.entries(calls).map(async ([name, call]) => {
    const code = await call.then(
      () => status.OK,
      async () => (await statusOf(call)).code,
    );
    return [name, status[code]] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

const allAre = (code: string) => ({ authorize: code, checkBudget: code, recordUsage: code });

/** Open a stream and gather what comes. */
function openStream(client: Caller) {
  const stream = client.authorizeStream();
  const answers: Answer[] = [];
  const ended = new Promise<{ code: number; details: string }>((resolve) => {
    stream.on("error", () => {});
    stream.on("status", ({ code, details }) => resolve({ code, details }));
  });
  stream.on("data", (answer) => answers.push(answer));
  return {
    stream,
    answers,
    ended,
    ask: async (id: string) => {
      stream.write({ request: { ...small, request_id: id } });
      const found = () => answers.find((one) => one.request_id === id);
      await eventually(async () => expect(found()).toBeDefined());
      return found();
    },
  };
}

describe("a caller with an API key", () => {
  it("is its principal in every RPC, whether it says so or not", async () => {
    const client = (await start()).asKey("search");
    const { reservation_id } = await client.authorize(small);
    await client.authorize({ ...small, principal: { id: "search", role: "crew", workspace: "dev" } });
    expect(await client.recordUsage({ reservation_id, usage: { input_tokens: 1 } })).toMatchObject({
      unreserved: false,
    });
    expect(await client.checkBudget({})).toMatchObject({
      principal: { id: "search", role: "crew", workspace: "dev" },
      limits: [{ name: "workspaces.dev.requests_per_day", used: 1, reserved: 1 }],
    });
    const { stream, ask, ended } = openStream(client);
    expect(await ask("q1")).toMatchObject({ response: { allowed: true } });
    stream.end();
    expect(await ended).toMatchObject({ code: status.OK });
  });

  it.each([
    ["principal", { id: "report" }],
    ["role", { role: "boss" }],
    ["workspace", { id: "search", workspace: "lab" }],
  ])("may not claim another %s", async (_, principal) => {
    const client = (await start()).asKey("search");
    expect(await statusesOf(client, principal)).toEqual(allAre("PERMISSION_DENIED"));
    const { stream, answers } = openStream(client);
    stream.write({ request: { ...small, request_id: "q1", principal } });
    await eventually(async () => expect(answers).toHaveLength(1));
    expect(answers[0]).toMatchObject({ request_id: "q1", error: { code: status.PERMISSION_DENIED } });
  });

  it("is nobody with one that is cut short, mistyped or not known", async () => {
    const { as, asKey } = await start();
    const key = apiKeyOf("search");
    const swapped = `${key.slice(0, 20)}${key[21]}${key[20]}${key.slice(22)}`;
    for (const client of [as(`Bearer ${key.slice(0, -1)}`), as(`Bearer ${swapped}`), asKey("another")]) {
      expect(await statusesOf(client)).toEqual(allAre("UNAUTHENTICATED"));
      expect(await openStream(client).ended).toMatchObject({ code: status.UNAUTHENTICATED });
    }
    expect((await statusOf(as(`Bearer ${key.slice(0, -1)}`).authorize(small))).details).toContain("is cut short");
    expect((await statusOf(as(`Bearer ${swapped}`).authorize(small))).details).toContain("is mistyped");
  });

  it("is nobody any more once a reload takes it back, in open streams too", async () => {
    const { asKey, reload, issuer } = await start();
    const client = asKey("search");
    const { ask } = openStream(client);
    expect(await ask("q1")).toMatchObject({ response: { allowed: true } });
    const { reservation_id } = await client.authorize(small);
    await reload(policyFor(issuer.url, "new-search"));
    expect(await statusesOf(client)).toEqual(allAre("UNAUTHENTICATED"));
    expect(await ask("q2")).toMatchObject({ error: { code: status.UNAUTHENTICATED } });
    expect(await asKey("new-search").recordUsage({ reservation_id, usage: {} })).toMatchObject({ unreserved: false });
  });

  it("settles nothing of another's", async () => {
    const { asKey, asToken } = await start();
    const { reservation_id } = await asKey("search").authorize({ ...small, request_id: "r1" });
    for (const other of [asKey("report"), asToken(await signToken(ONE, PLAIN))]) {
      expect(await statusOf(other.recordUsage({ reservation_id, usage: {} }))).toMatchObject({
        code: status.PERMISSION_DENIED,
      });
      const claimed = { reservation_id, usage: {}, principal: { id: "search" } };
      expect(await statusOf(other.recordUsage(claimed))).toMatchObject({ code: status.PERMISSION_DENIED });
      // By its request_id alone it is nobody's but its own.
      const charged = await other.recordUsage({ request_id: "r1", model: small.model, usage: {} });
      expect(charged).toMatchObject({ unreserved: true });
    }
    expect(await asKey("search").recordUsage({ reservation_id, usage: {} })).toMatchObject({
      already_recorded: false,
      unreserved: false,
    });
  });

  it("reads and settles, though it is disabled", async () => {
    const client = (await start()).asKey("gone");
    expect(await client.authorize(small)).toMatchObject({ reason: "REASON_PRINCIPAL_DISABLED" });
    expect(await client.checkBudget({})).toMatchObject({ principal: { id: "gone" } });
  });
});

describe("a caller with a token", () => {
  it("is whom the first rule for its issuer and audience makes of it, though the policy lists no such principal", async () => {
    const { asToken } = await start();
    const client = asToken(await signToken(ONE, { ...CLAIMS, role: ["x", "lead"] }));
    expect(await client.checkBudget({})).toMatchObject({ principal: { id: "ann", role: "boss", workspace: "lab" } });
    expect(await client.authorize({ ...small, principal: { id: "ann" } })).toMatchObject({ allowed: true });
    expect(await statusesOf(client, { id: "ann", role: "crew" })).toEqual(allAre("PERMISSION_DENIED"));
  });

  it("is denied by rule where it maps to nothing, and has no budget", async () => {
    const { asToken } = await start();
    const denials = [
      [{ ...CLAIMS, sub: undefined }, "REASON_UNKNOWN_PRINCIPAL"],
      [CLAIMS, "REASON_UNKNOWN_ROLE"],
      [{ ...CLAIMS, role: "lead", team: "x" }, "REASON_UNKNOWN_WORKSPACE"],
      [{ ...CLAIMS, sub: "search" }, "REASON_UNKNOWN_PRINCIPAL"],
    ] as const;
    for (const [claims, reason] of denials) {
      const client = asToken(await signToken(ONE, claims));
      expect(await client.authorize(small)).toMatchObject({ allowed: false, reason, http_status: 403 });
      expect(await statusesOf(client)).toEqual({ authorize: "OK", checkBudget: "NOT_FOUND", recordUsage: "NOT_FOUND" });
      const { ask } = openStream(client);
      expect(await ask("q1")).toMatchObject({ response: { reason } });
    }
  });

  it("settles what it reserved before the policy made nothing of it any more", async () => {
    const { asToken, reload, issuer } = await start();
    const client = asToken(await signToken(ONE, { ...CLAIMS, role: "lead" }));
    const { reservation_id } = await client.authorize(small);
    await reload(policyFor(issuer.url).replace("{ lab: lab }", "{ x: lab }"));
    expect(await client.authorize(small)).toMatchObject({ reason: "REASON_UNKNOWN_WORKSPACE" });
    expect(await client.recordUsage({ reservation_id, usage: {} })).toMatchObject({ unreserved: false });
  });

  it("is nobody with one that has expired, is for others, or is signed by none of its issuer's keys", async () => {
    const { asToken } = await start();
    const past = Math.floor(Date.now() / 1000) - 60;
    const bad = [
      await signToken(ONE, PLAIN, { exp: past }),
      await signToken(ONE, { ...PLAIN, aud: "another" }),
      await signToken(TWO, PLAIN),
      await signToken(TWO, PLAIN, { kid: "one" }),
      "not.a.token",
    ];
    for (const token of bad) {
      const client = asToken(token);
      expect(await statusesOf(client)).toEqual(allAre("UNAUTHENTICATED"));
      expect(await openStream(client).ended).toMatchObject({ code: status.UNAUTHENTICATED });
    }
  });

  it("is answered an error for each question on a stream that outlives its token", async () => {
    const { asToken } = await start();
    // Of the 30 s of difference between clocks that are borne, some 300 ms are left.
    const token = await signToken(ONE, PLAIN, { exp: (Date.now() + 300) / 1000 - 30 });
    const { ask, stream, answers, ended } = openStream(asToken(token));
    expect(await ask("q1")).toMatchObject({ response: { allowed: true } });
    let questions = 1;
    await eventually(async () => {
      questions += 1;
      expect(await ask(`q${questions}`)).toMatchObject({
        error: { code: status.UNAUTHENTICATED, message: expect.stringContaining("has expired") },
      });
    });
    stream.end();
    expect(await ended).toMatchObject({ code: status.OK });
    expect(answers).toHaveLength(questions);
  });
});

describe("an issuer's keys", () => {
  it("that were never had leave tokens unjudged, and API keys be", async () => {
    const issuer = await KeyServer.start(ONE);
    afterwards(() => issuer.close());
    issuer.fail();
    const { address, lines } = await startService(policyFor(issuer.url), { identity: { kind: "credential" } });
    await eventually(async () => expect(lines.join("\n")).toContain("cannot be judged until it holds their keys"));
    const client = connect(address, credentials.createInsecure(), `Bearer ${await signToken(ONE, PLAIN)}`);
    expect(await statusesOf(client)).toEqual(allAre("UNAVAILABLE"));
    expect(await openStream(client).ended).toMatchObject({ code: status.UNAVAILABLE });
    const byKey = connect(address, credentials.createInsecure(), `Bearer ${apiKeyOf("search")}`);
    expect(await byKey.authorize(small)).toMatchObject({ allowed: true });
  });

  it("may lie in a file", async () => {
    const file = join(temporaryDirectory(), "jwks.json");
    writeFileSync(file, JSON.stringify({ keys: [ONE.public] }));
    const { address } = await startService(policyFor(`{ file: ${file} }`), { identity: { kind: "credential" } });
    const client = connect(address, credentials.createInsecure(), `Bearer ${await signToken(ONE, PLAIN)}`);
    expect(await client.authorize(small)).toMatchObject({ allowed: true });
    // Another key is there as soon as a token is signed by it.
    writeFileSync(file, JSON.stringify({ keys: [TWO.public] }));
    const next = connect(address, credentials.createInsecure(), `Bearer ${await signToken(TWO, PLAIN)}`);
    expect(await next.authorize(small)).toMatchObject({ allowed: true });
    expect(await statusOf(client.authorize(small))).toMatchObject({ code: status.UNAUTHENTICATED });
  });
});

describe("a caller without a credential", () => {
  it.each([
    ["nothing", undefined],
    ["another scheme", "Basic dXNlcjpwYXNz"],
    ["two keys in one", `Bearer ${apiKeyOf("search")}, Bearer ${apiKeyOf("report")}`],
  ])("is nobody by %s, whomever it names, and is told what to send", async (_, authorization) => {
    const client = (await start()).as(authorization);
    expect(await statusesOf(client, { id: "search" })).toEqual(allAre("UNAUTHENTICATED"));
    const { code, details } = await openStream(client).ended;
    expect(code).toBe(status.UNAUTHENTICATED);
    expect(details).toContain("send authorization: Bearer wb_…");
    // What is wrong with the message is not for strangers.
    expect(await statusOf(client.sendBytes("Authorize", Buffer.from([255])))).toMatchObject({
      code: status.UNAUTHENTICATED,
    });
  });

  it("may ask for health, and what is served", async () => {
    const { address } = await start();
    const client = new Client(address, credentials.createInsecure());
    afterwards(() => client.close());
    const same = (bytes: Buffer) => bytes;
    const health = new Promise<Buffer | undefined>((resolve, reject) => {
      client.makeUnaryRequest("/grpc.health.v1.Health/Check", same, same, Buffer.alloc(0), (error, answer) =>
        error ? reject(error) : resolve(answer),
      );
    });
    expect(await health).toEqual(Buffer.from([8, 1]));
    const path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    const reflection = client.makeBidiStreamRequest(path, same, same, new Metadata());
    const answer = new Promise<Buffer>((resolve) => reflection.on("data", resolve));
    reflection.write(Buffer.from([58, 0]));
    expect((await answer).toString("latin1")).toContain("windbreak.v1.PolicyDecisionService");
    reflection.end();
  });

  it("is nobody with a header that is too long for any token", async () => {
    const { asToken } = await start();
    const token = await signToken(ONE, { ...PLAIN, more: "x".repeat(20_000) });
    expect(await statusOf(asToken(token).authorize(small))).toMatchObject({ code: status.UNAUTHENTICATED });
  });
});

it("no line of the log and no answer holds a key or a token", async () => {
  const { asKey, asToken, as, lines, issuer, reload } = await start();
  const tokens = [
    await signToken(ONE, PLAIN),
    await signToken(TWO, PLAIN),
    await signToken(ONE, { ...PLAIN, aud: "x" }),
    await signToken(ONE, CLAIMS),
  ];
  const said: string[] = [];
  const heard = async (client: Caller, principal?: object) => {
    const calls = [
      client.authorize({ ...small, ...(principal && { principal }) }),
      client.checkBudget({}),
      client.recordUsage({ request_id: "r", usage: {} }),
    ];
    const failed = (error: Error) => `${error.message} ${error}`;
    said.push(...(await Promise.all(calls.map((call) => call.then(JSON.stringify, failed)))));
    const { stream, ended } = openStream(client);
    stream.end();
    said.push(JSON.stringify(await ended));
  };
  for (const seed of ["search", "report", "unknown"]) await heard(asKey(seed), { id: "eve" });
  for (const token of tokens) await heard(asToken(token), { id: "eve" });
  await heard(as(`Basic ${apiKeyOf("search")}`));
  await heard(as(`Bearer ${apiKeyOf("search").slice(0, -2)}`));
  issuer.fail();
  await reload(policyFor(issuer.url, "other"));
  for (const token of tokens) await heard(asToken(token));

  const all = [...lines, ...said].join("\n");
  expect(said.length).toBe(52);
  const secrets = ["search", "report", "unknown"].map((seed) => apiKeyOf(seed).slice(12, 40));
  for (const token of tokens) secrets.push(...token.split(".").map((part) => part.slice(0, 16)));
  for (const secret of secrets) expect(all).not.toContain(secret);
});
