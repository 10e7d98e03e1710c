import { rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { TokenVerifier } from "../../src/identity/token-verifier.js";
import { FileKeys } from "../../src/keys/file-keys.js";
import { IssuerKeys } from "../../src/keys/issuer-keys.js";
import { UrlKeys, type UrlKeysOptions } from "../../src/keys/url-keys.js";
import { eventually } from "../support/eventually.js";
import { KeyServer, signingKey, signToken } from "../support/issuer.js";
import { policyOf } from "../unit/policy/written.js";
import { afterwards, temporaryDirectory } from "./running-service.js";

const [ONE, TWO] = await Promise.all([signingKey("one"), signingKey("two")]);

async function startServer() {
  const server = await KeyServer.start(ONE);
  afterwards(() => server.close());
  return server;
}

/** A policy that trusts the issuers i0, i1 and so on, with their keys at these places. */
const policyWith = (...jwks: readonly string[]) =>
  policyOf(`version: 1
workspaces: { dev: { models: ["*"] } }
roles: { crew: { models: ["*"] } }
trust: [${jwks.map((place, nth) => `{ jwt: { issuer: i${nth}, audience: w, jwks: ${place} }, principal: { claim: sub }, role: crew, workspace: dev }`)}]
`);

/** Hold the keys at a URL, by a clock that the test moves. */
function hold(url: string, options: Partial<UrlKeysOptions> = {}) {
  const world = { now: 1_000_000 };
  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);
  const keys = new UrlKeys({ url, clock: { now: () => world.now }, onLost: say, onFound: say, ...options });
  afterwards(() => keys.close());
  const kids = () => keys.held()?.keys.map(({ ["kid"]: kid }) => kid);
  return { world, lines, keys, kids };
}

describe("keys at a URL", () => {
  it("are read at once, and held without being asked for again", async () => {
    const server = await startServer();
    const { keys, kids, lines } = hold(server.url);
    expect(await keys.renew()).toBe(true);
    expect(kids()).toEqual(["one"]);
    expect([server.asked, lines]).toEqual([1, []]);
  });

  it("are asked for once in a rest, however often, and by all who wait together", async () => {
    const server = await startServer();
    const { world, keys, kids } = hold(server.url, { restMs: 10_000 });
    await Promise.all([keys.renew(), keys.renew()]);
    server.publish(ONE, TWO);
    world.now += 9_999;
    await keys.renew();
    expect([server.asked, kids()]).toEqual([1, ["one"]]);
    world.now += 1;
    await Promise.all([keys.renew(), keys.renew()]);
    expect([server.asked, kids()]).toEqual([2, ["one", "two"]]);
  });

  it("are the same object until they change", async () => {
    const server = await startServer();
    const { keys } = hold(server.url, { restMs: 0 });
    await keys.renew();
    const first = keys.held();
    await keys.renew();
    expect(keys.held()).toBe(first);
    server.publish(TWO);
    await keys.renew();
    expect(keys.held()).not.toBe(first);
  });

  it("are read again by themselves, so that a withdrawn one goes", async () => {
    const server = await startServer();
    const { kids } = hold(server.url, { everyMs: 5 });
    server.publish(TWO);
    await eventually(async () => expect(kids()).toEqual(["two"]));
  });

  it("stay while their issuer is away, which is said once, and again when it is back", async () => {
    const server = await startServer();
    const { keys, kids, lines } = hold(server.url, { restMs: 0 });
    await keys.renew();
    server.fail();
    expect([await keys.renew(), await keys.renew()]).toEqual([false, false]);
    expect(kids()).toEqual(["one"]);
    expect(lines).toEqual([
      expect.stringMatching(
        /^http:\/\/127\..*\/jwks cannot be reached \(.+\); the keys that it held last stay in force$/,
      ),
    ]);
    server.publish(TWO);
    expect(await keys.renew()).toBe(true);
    expect([kids(), lines.slice(1)]).toEqual([["two"], [`${server.url}: the keys of tokens are there again`]]);
  });

  it("come when their issuer does, without being asked for", async () => {
    const server = await startServer();
    server.fail();
    const { kids, lines } = hold(server.url, { restMs: 5 });
    await eventually(async () => expect(lines).toHaveLength(1));
    expect(lines[0]).toContain("cannot be judged until it holds their keys");
    expect(kids()).toBeUndefined();
    server.publish(ONE);
    await eventually(async () => expect(kids()).toEqual(["one"]));
  });

  it.each<[string, (server: KeyServer) => void, RegExp]>([
    ["an error", (server) => server.behave((_, answer) => answer.writeHead(503).end()), / answers with 503;/],
    ["no JSON", (server) => server.behave((_, answer) => answer.end("<html>")), / holds no JSON Web Key Set/],
    [
      "more than anybody publishes",
      (server) => server.behave((_, answer) => answer.end(`{"keys":[${" ".repeat(300_000)}]}`)),
      / answers with more than 262144 bytes;/,
    ],
    ["nothing, for too long", (server) => server.behave(() => {}), / does not answer within 200 ms;/],
    [
      "an answer that never ends",
      (server) => server.behave((_, answer) => answer.write('{"keys":[')),
      / does not answer within 200 ms;/,
    ],
  ])("are not replaced by %s", async (_, misbehave, why) => {
    const server = await startServer();
    const { keys, kids, lines } = hold(server.url, { restMs: 0, timeoutMs: 200 });
    await keys.renew();
    misbehave(server);
    expect(await keys.renew()).toBe(false);
    expect(kids()).toEqual(["one"]);
    expect(lines).toEqual([expect.stringMatching(why)]);
  });

  it("are not followed to where an answer points", async () => {
    const [server, elsewhere] = [await startServer(), await startServer()];
    server.behave((_, answer) => answer.writeHead(302, { location: elsewhere.url }).end());
    const { keys, lines } = hold(server.url);
    expect(await keys.renew()).toBe(false);
    expect([elsewhere.asked, lines]).toEqual([0, [expect.stringContaining(" answers with 302;")]]);
  });

  it("are read no more once nobody needs them, also where they are on the way", async () => {
    const server = await startServer();
    server.behave(() => {});
    const { keys, lines } = hold(server.url, { restMs: 0 });
    const coming = keys.renew();
    keys.close();
    expect([await coming, await keys.renew(), lines]).toEqual([false, false, []]);
  });
});

describe("tokens by keys at a URL", () => {
  const CLAIMS = { iss: "i0", aud: "w", sub: "ann" };
  async function verifying() {
    const server = await startServer();
    const held = hold(server.url, { restMs: 10_000 });
    await held.keys.renew();
    const clock = { now: Date.now };
    const verifier = new TokenVerifier({ policy: () => policyWith(server.url), keysAt: () => held.keys, clock });
    const verify = async (token: string) => {
      const result = await verifier.verify(token);
      return result.kind === "fault" ? result.code : "verified";
    };
    return { server, ...held, verify, old: await signToken(ONE, CLAIMS), fresh: await signToken(TWO, CLAIMS) };
  }

  it("are taken as soon as their key is published, and no more once it is withdrawn", async () => {
    const { server, world, verify, old, fresh } = await verifying();
    expect([await verify(old), await verify(fresh)]).toEqual(["verified", "unauthenticated"]);
    server.publish(TWO);
    world.now += 10_000;
    expect([await verify(fresh), await verify(old)]).toEqual(["verified", "unauthenticated"]);
  });

  it("make their issuer be asked once in a rest, however many come with unknown keys", async () => {
    const { server, world, verify, fresh } = await verifying();
    world.now += 10_000;
    await Promise.all([fresh, await signToken(TWO, { ...CLAIMS, sub: "bob" }), `${fresh}x`].map(verify));
    await verify(fresh);
    expect(server.asked).toBe(2);
  });

  it("that are known pass while their issuer is away, and others by its last keys", async () => {
    const { server, world, verify, old, fresh } = await verifying();
    await verify(old);
    server.fail();
    world.now += 10_000;
    expect(await verify(fresh)).toBe("unavailable");
    expect([await verify(old), await verify(await signToken(ONE, { ...CLAIMS, sub: "bob" }))]).toEqual([
      "verified",
      "verified",
    ]);
  });
});

describe("keys in a file", () => {
  const text = (...kids: readonly string[]) => JSON.stringify({ keys: kids.map((kid) => ({ kty: "EC", kid })) });

  it("are as the file is, and the last good ones while it holds none, which is said once", async () => {
    const path = join(temporaryDirectory(), "jwks.json");
    writeFileSync(path, text("one"));
    const lines: string[] = [];
    const opened = await FileKeys.open({ path, onLost: (line) => lines.push(line), pollMs: 3_600_000 });
    if (opened.kind === "bad") throw new Error(opened.why);
    afterwards(() => opened.keys.close());
    const kids = () => opened.keys.held().keys.map(({ ["kid"]: kid }) => kid);
    expect(kids()).toEqual(["one"]);
    writeFileSync(path, text("one", "two"));
    expect([await opened.keys.renew(), kids()]).toEqual([true, ["one", "two"]]);
    rmSync(path);
    for (let look = 0; look < 3; look++) await opened.keys.renew();
    expect(kids()).toEqual(["one", "two"]);
    expect(lines).toEqual([`${path} does not exist; the keys that it held last stay in force`]);
  });

  it.each([
    ["is not there", undefined, "does not exist"],
    ["holds none", "{}", "holds no JSON Web Key Set: { keys: […] }"],
  ])("are not to be had where it %s", async (_, content, why) => {
    const path = join(temporaryDirectory(), "jwks.json");
    if (content !== undefined) writeFileSync(path, content);
    expect(await FileKeys.open({ path, onLost: () => {} })).toEqual({ kind: "bad", why: `${path} ${why}` });
  });
});

describe("the keys of a policy", () => {
  it("are held place by place, kept over a reload that names them, and let go by one that does not", async () => {
    const server = await startServer();
    const keys = new IssuerKeys({ clock: { now: Date.now }, warn: () => {}, info: () => {} });
    afterwards(() => keys.close());
    const policy = policyWith(server.url, server.url);
    expect(await keys.prepare(policy)).toEqual([]);
    const place = { kind: "url", at: server.url } as const;
    const held = keys.at(place);
    await keys.prepare(policyWith(server.url));
    keys.keepOnly(policy);
    expect(keys.at(place)).toBe(held);
    await held.renew();
    expect(server.asked).toBe(1);
    keys.keepOnly(policyWith());
    expect(() => keys.at(place)).toThrow("no keys are held of");
  });

  it("are a fault of the policy where a file holds none, and none where a URL does not answer", async () => {
    const nobody = createServer();
    await new Promise<void>((resolve) => nobody.listen(0, "127.0.0.1", resolve));
    const address = nobody.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await new Promise((resolve) => nobody.close(resolve));
    const keys = new IssuerKeys({ clock: { now: Date.now }, warn: () => {}, info: () => {} });
    afterwards(() => keys.close());
    expect(await keys.prepare(policyWith(`http://127.0.0.1:${port}/k`, "{ file: /nowhere/jwks.json }"))).toEqual([
      "the keys of issuer i1: /nowhere/jwks.json does not exist; put its JSON Web Key Set there",
    ]);
  });
});
