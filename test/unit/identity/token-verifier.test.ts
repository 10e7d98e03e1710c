import { beforeAll, describe, expect, it } from "vitest";
import type { KeySet, TokenKeys } from "../../../src/app/identity-ports.js";
import type { Distrust } from "../../../src/domain/distrust.js";
import { TokenVerifier } from "../../../src/identity/token-verifier.js";
import { forgedToken, type SigningKey, signingKey, signToken } from "../../support/issuer.js";
import { policyOf } from "../policy/written.js";

const ISSUER = "https://idp.example";
const NOW = Date.UTC(2026, 2, 10, 12);
const NOW_S = NOW / 1000;
const HOUR_S = 3_600;

const policyWith = (...audiences: readonly string[]) =>
  policyOf(`version: 1
workspaces: { dev: { models: ["*"] } }
roles: { crew: { models: ["*"] } }
trust: [${audiences.map((audience) => `{ jwt: { issuer: ${ISSUER}, audience: ${audience}, jwks: ${ISSUER}/k }, principal: { claim: sub }, role: crew, workspace: dev }`)}]
`);

/** Keys as a test says they are; `next` are those that the next renewal finds, undefined: it finds none. */
class ToldKeys implements TokenKeys {
  renewed = 0;
  next: KeySet | undefined;
  rests = Number.POSITIVE_INFINITY;
  #held: KeySet | undefined;

  constructor(held: KeySet | undefined) {
    this.#held = held;
    this.next = held;
  }

  held(): KeySet | undefined {
    return this.#held;
  }

  async renew(): Promise<boolean> {
    this.renewed += 1;
    this.#held = this.next ?? this.#held;
    return this.next !== undefined;
  }

  restsUntil(): number {
    return this.rests;
  }
}

const setOf = (...keys: readonly SigningKey[]): KeySet => ({
  keys: keys.map(({ public: { kty = "", ...rest } }) => ({ kty, ...rest })),
});

let key: SigningKey;
let other: SigningKey;
beforeAll(async () => {
  [key, other] = await Promise.all([signingKey("one"), signingKey("two")]);
});

function stage(keys = new ToldKeys(setOf(key)), policy = policyWith("windbreak")) {
  const world = { now: NOW, policy };
  const verifier = new TokenVerifier({
    policy: () => world.policy,
    keysAt: () => keys,
    clock: { now: () => world.now },
  });
  const verify = async (token: string) => verifier.verify(token);
  return { world, keys, verifier, verify };
}

const CLAIMS = { iss: ISSUER, aud: "windbreak", sub: "ann" };
const inAnHour = { exp: NOW_S + HOUR_S };

const unauthenticated = (words: string, why: Distrust = "wrong_signature") => ({
  kind: "fault",
  code: "unauthenticated",
  why,
  message: `the token ${words}; send authorization: Bearer and a token that holds`,
});

describe("a token that holds", () => {
  it.each(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"])(
    "is one signed by %s, and says its claims until it expires, 30 s of clocks' difference included",
    async (alg) => {
      const its = await signingKey("its", alg);
      const { verify } = stage(new ToldKeys(setOf(key, its)));
      expect(await verify(await signToken(its, CLAIMS, inAnHour))).toEqual({
        kind: "verified",
        claims: { ...CLAIMS, ...inAnHour },
        expiresAt: (NOW_S + HOUR_S + 30) * 1000,
      });
    },
  );

  it("is known again without waiting, and without a key being asked for", async () => {
    const { verifier, keys } = stage();
    const token = await signToken(key, CLAIMS, inAnHour);
    const first = await verifier.verify(token);
    expect(verifier.verify(token)).toBe(first);
    expect(keys.renewed).toBe(0);
  });

  it("is verified once where many calls bring it at once", async () => {
    const { verifier } = stage();
    const token = await signToken(key, CLAIMS, inAnHour);
    const [first, second] = [verifier.verify(token), verifier.verify(token)];
    expect(second).toBe(first);
    expect(await first).toMatchObject({ kind: "verified" });
  });

  it("may be for several audiences, and need name no key where its issuer has one", async () => {
    const { verify } = stage();
    const token = await signToken(key, { ...CLAIMS, aud: ["x", "windbreak"] }, { ...inAnHour, kid: null });
    expect(await verify(token)).toMatchObject({ kind: "verified" });
  });

  it("holds within 30 s of another clock, before its time and after", async () => {
    const { verify } = stage();
    expect(await verify(await signToken(key, { ...CLAIMS, nbf: NOW_S + 29 }, inAnHour))).toMatchObject({
      kind: "verified",
    });
    expect(await verify(await signToken(key, CLAIMS, { exp: NOW_S - 29 }))).toMatchObject({ kind: "verified" });
  });
});

describe("a token that does not hold", () => {
  it.each<[string, object, object, string, Distrust]>([
    [
      "of another issuer",
      { iss: "https://evil.example" },
      inAnHour,
      "is of no issuer that the policy trusts",
      "wrong_issuer",
    ],
    ["of no issuer", { iss: undefined }, inAnHour, "is of no issuer that the policy trusts", "wrong_issuer"],
    ["whose issuer is a list", { iss: [ISSUER] }, inAnHour, "is of no issuer that the policy trusts", "wrong_issuer"],
    [
      "for another audience",
      { aud: "another" },
      inAnHour,
      "is for another audience (aud) than those that the policy trusts of its issuer",
      "wrong_audience",
    ],
    ["for nobody", { aud: undefined }, inAnHour, "has no aud", "wrong_token"],
    ["that has expired", {}, { exp: NOW_S - 31 }, "has expired", "expired"],
    ["that never expires", {}, { exp: null }, "has no exp", "wrong_token"],
    ["whose exp is text", { exp: "2099-01-01" }, { exp: null }, "has a wrong exp", "wrong_token"],
    ["that is not valid yet", { nbf: NOW_S + 31 }, inAnHour, "is not valid yet (nbf)", "expired"],
  ])("is one %s", async (_, claims, head, words, why) => {
    const { verify } = stage();
    expect(await verify(await signToken(key, { ...CLAIMS, ...claims }, head))).toEqual(unauthenticated(words, why));
  });

  it("is one without a signature, whatever its alg is called", async () => {
    const { verify } = stage();
    for (const alg of ["none", "None", "NONE", "nOnE"]) {
      for (const signature of ["", "AA"]) {
        const token = forgedToken({ alg, kid: "one" }, { ...CLAIMS, ...inAnHour }, signature);
        expect(await verify(token)).toEqual(unauthenticated("is not signed by RS*, PS*, ES* or EdDSA"));
      }
    }
  });

  it("is one signed by HMAC with the issuer's public key as the secret", async () => {
    const rsa = await signingKey("rsa", "RS256");
    const { verify } = stage(new ToldKeys(setOf(rsa)));
    const { SignJWT, exportSPKI, importJWK } = await import("jose");
    const published = await importJWK(rsa.public, "RS256", { extractable: true });
    if (!("type" in published)) throw new Error("an RSA key is no bytes");
    const secret = Buffer.from(await exportSPKI(published));
    const token = await new SignJWT({ ...CLAIMS, ...inAnHour })
      .setProtectedHeader({ alg: "HS256", kid: "rsa" })
      .sign(secret);
    expect(await verify(token)).toEqual(unauthenticated("is not signed by RS*, PS*, ES* or EdDSA"));
  });

  it("is one signed by another's key under the name of a known one", async () => {
    const { verify } = stage();
    const token = await signToken(other, CLAIMS, { ...inAnHour, kid: "one" });
    expect(await verify(token)).toEqual(unauthenticated("has a signature that is not its issuer's"));
  });

  it("is one whose claims were changed", async () => {
    const { verify } = stage();
    const [head, , signature] = (await signToken(key, CLAIMS, inAnHour)).split(".");
    const claims = Buffer.from(JSON.stringify({ ...CLAIMS, ...inAnHour, sub: "bob" })).toString("base64url");
    expect(await verify([head, claims, signature].join("."))).toEqual(
      unauthenticated("has a signature that is not its issuer's"),
    );
  });

  it("is one that names no key where its issuer has several of its kind", async () => {
    const { verify } = stage(new ToldKeys(setOf(key, other)));
    expect(await verify(await signToken(key, CLAIMS, { ...inAnHour, kid: null }))).toEqual(
      unauthenticated("names no key (kid), and its issuer has several"),
    );
  });

  it("is one that brings its own key, or says where to find it", async () => {
    const { verify } = stage();
    const { SignJWT } = await import("jose");
    const claims = { ...CLAIMS, ...inAnHour };
    const header = { alg: "ES256", jwk: other.public, jku: "https://evil.example/k", x5u: "https://evil.example/c" };
    const token = await new SignJWT(claims).setProtectedHeader(header).sign(other.private);
    expect(await verify(token)).toEqual(unauthenticated("has a signature that is not its issuer's"));
  });

  it("is one by a key that is too weak, or is none, or is there to encrypt", async () => {
    const { subtle } = globalThis.crypto;
    const weakPair = await subtle.generateKey(
      { name: "RSASSA-PKCS1-v1_5", modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" },
      true,
      ["sign", "verify"],
    );
    const weak = { ...(await subtle.exportKey("jwk", weakPair.publicKey)), kty: "RSA", kid: "weak", alg: "RS256" };
    const keys = [
      weak,
      { kty: "EC", kid: "broken", alg: "ES256", crv: "P-256", x: "AA", y: "AA" },
      { ...key.public, kty: "EC", kid: "for-another-use", use: "enc" },
    ];
    const { verify } = stage(new ToldKeys({ keys }));
    const forged = (alg: string, kid: string) =>
      forgedToken(
        { alg, kid },
        { ...CLAIMS, ...inAnHour },
        Buffer.alloc(alg === "RS256" ? 128 : 64).toString("base64url"),
      );
    const unusable = unauthenticated("is signed by a key that its issuer does not publish in full");
    expect(await verify(forged("RS256", "weak"))).toEqual(unusable);
    expect(await verify(forged("ES256", "broken"))).toEqual(unusable);
    expect(await verify(forged("ES256", "for-another-use"))).toEqual(
      unauthenticated("is signed by none of its issuer's keys"),
    );
  });

  it.each([
    "",
    "x",
    "a.b",
    "a.b.c",
    "a.b.c.d.e",
    "eyJhbGciOiJFUzI1NiJ9.bm8.AA",
    "ä.ö.ü",
    "..",
    `${"e30.".repeat(2)}AA`,
  ])("is %j, of which nothing can be read", async (text) => {
    const { verify } = stage();
    expect(await verify(text)).toMatchObject({ kind: "fault", code: "unauthenticated" });
  });

  it("is one of more than 8 KiB, which is not looked into", async () => {
    const { verify } = stage();
    const token = await signToken(key, { ...CLAIMS, more: "x".repeat(8_192) }, inAnHour);
    expect(await verify(token)).toEqual(unauthenticated("has more than 8192 bytes", "malformed"));
  });

  it("asks for no key of an issuer that nobody trusts", async () => {
    const { verify, keys } = stage();
    await verify(await signToken(other, { ...CLAIMS, iss: "https://evil.example" }, inAnHour));
    expect(keys.renewed).toBe(0);
  });
});

describe("keys that change", () => {
  it("are read again for a token that is signed by a new one", async () => {
    const { verify, keys } = stage();
    keys.next = setOf(key, other);
    expect(await verify(await signToken(other, CLAIMS, inAnHour))).toMatchObject({ kind: "verified" });
    expect(keys.renewed).toBe(1);
  });

  it("end what a key proved that is withdrawn, also for tokens that are known", async () => {
    const { verify, keys } = stage();
    const token = await signToken(key, CLAIMS, inAnHour);
    await verify(token);
    keys.next = setOf(other);
    await keys.renew();
    expect(await verify(token)).toEqual(unauthenticated("is signed by none of its issuer's keys"));
  });

  it("that cannot be had let known tokens pass, and leave others unjudged", async () => {
    const { verify, keys } = stage();
    const known = await signToken(key, CLAIMS, inAnHour);
    await verify(known);
    keys.next = undefined;
    expect(await verify(known)).toMatchObject({ kind: "verified" });
    expect(await verify(await signToken(key, { ...CLAIMS, sub: "bob" }, inAnHour))).toMatchObject({ kind: "verified" });
    expect(await verify(await signToken(other, CLAIMS, inAnHour))).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("cannot be had"),
    });
    const forged = await signToken(other, CLAIMS, { ...inAnHour, kid: "one" });
    expect(await verify(forged)).toMatchObject({ code: "unauthenticated" });
  });

  it("that were never had leave every token unjudged, until they come", async () => {
    const { verify, keys } = stage(new ToldKeys(undefined));
    const token = await signToken(key, CLAIMS, inAnHour);
    expect(await verify(token)).toMatchObject({ code: "unavailable" });
    keys.next = setOf(key);
    expect(await verify(token)).toMatchObject({ kind: "verified" });
  });
});

describe("a token that is known", () => {
  it("is none once it has expired", async () => {
    const { world, verify } = stage();
    const token = await signToken(key, CLAIMS, inAnHour);
    await verify(token);
    world.now = NOW + (HOUR_S + 29) * 1000;
    expect(await verify(token)).toMatchObject({ kind: "verified" });
    world.now = NOW + (HOUR_S + 31) * 1000;
    expect(await verify(token)).toEqual(unauthenticated("has expired", "expired"));
  });

  it("stays known over a reload that trusts the same, and is judged anew by one that does not", async () => {
    const { world, verifier, verify } = stage();
    const token = await signToken(key, CLAIMS, inAnHour);
    const first = await verify(token);
    world.policy = policyWith("windbreak", "another");
    expect(verifier.verify(token)).toBe(first);
    world.policy = policyWith("another");
    expect(await verify(token)).toMatchObject({ code: "unauthenticated", message: expect.stringContaining("(aud)") });
    world.policy = policyWith();
    expect(await verify(token)).toEqual(unauthenticated("is of no issuer that the policy trusts", "wrong_issuer"));
  });
});

describe("a token that was rejected a moment ago", () => {
  const forged = () => signToken(other, CLAIMS, { ...inAnHour, kid: "one" });

  it("is rejected at once, and asks for no key again before 10 s are over", async () => {
    const { verifier, verify, keys, world } = stage();
    const token = await forged();
    const first = await verify(token);
    expect(first).toEqual(unauthenticated("has a signature that is not its issuer's"));
    expect(verifier.verify(token)).toBe(first);
    expect(keys.renewed).toBe(1);
    world.now += 10_000;
    expect(await verify(token)).toEqual(first);
    expect(keys.renewed).toBe(2);
  });

  it("holds as soon as its issuer has other keys", async () => {
    const { verify, keys } = stage();
    const token = await forged();
    await verify(token);
    keys.next = setOf({ ...other, public: { ...other.public, kid: "one" } });
    await keys.renew();
    expect(await verify(token)).toMatchObject({ kind: "verified" });
  });

  it("holds as soon as its issuer may be asked again, where a key was replaced under its name", async () => {
    const { verify, keys, world } = stage();
    const token = await forged();
    keys.rests = NOW + 3_000;
    const first = await verify(token);
    keys.next = setOf({ ...other, public: { ...other.public, kid: "one" } });
    world.now += 2_999;
    expect(await verify(token)).toBe(first);
    world.now += 1;
    expect(await verify(token)).toMatchObject({ kind: "verified" });
  });

  it("for what no key can save stays rejected at once, whenever its issuer may be asked again", async () => {
    const { verifier, verify, keys, world } = stage();
    const token = await signToken(key, { ...CLAIMS, aud: "another" }, inAnHour);
    keys.rests = NOW + 3_000;
    const first = await verify(token);
    world.now += 9_999;
    expect(verifier.verify(token)).toBe(first);
  });

  it("holds as soon as its key is read, where that was not held", async () => {
    const { verify, keys } = stage();
    const token = await signToken(other, CLAIMS, inAnHour);
    expect(await verify(token)).toMatchObject({ code: "unauthenticated" });
    keys.next = setOf(key, other);
    expect(await verify(token)).toMatchObject({ kind: "verified" });
  });

  it("holds as soon as the policy takes its audience", async () => {
    const { verify, world } = stage();
    const token = await signToken(key, { ...CLAIMS, aud: "another" }, inAnHour);
    expect(await verify(token)).toMatchObject({ why: "wrong_audience" });
    world.policy = policyWith("windbreak", "another");
    expect(await verify(token)).toMatchObject({ kind: "verified" });
  });

  it("holds as soon as its time has come", async () => {
    const { verify, world } = stage();
    const token = await signToken(key, { ...CLAIMS, nbf: NOW_S + 31 }, inAnHour);
    expect(await verify(token)).toMatchObject({ why: "expired" });
    world.now += 1_000;
    expect(await verify(token)).toMatchObject({ kind: "verified" });
  });

  it("holds again where the clock was ahead and is set back", async () => {
    const { verify, world } = stage();
    const token = await signToken(key, CLAIMS, inAnHour);
    world.now = NOW + (HOUR_S + 31) * 1000;
    expect(await verify(token)).toMatchObject({ why: "expired" });
    world.now = NOW + (HOUR_S + 29) * 1000;
    expect(await verify(token)).toMatchObject({ kind: "verified" });
  });
});

it("faults hold nothing of the token", async () => {
  const { verify, keys } = stage();
  keys.next = undefined;
  const tokens = [
    await signToken(key, { ...CLAIMS, aud: "secret-audience", sub: "secret-name" }, inAnHour),
    await signToken(other, { ...CLAIMS, sub: "secret-name" }, inAnHour),
    forgedToken({ alg: "secret-alg", kid: "secret-kid" }, { ...CLAIMS, nbf: "secret" }, "secret"),
    forgedToken({ alg: "ES256", crit: ["secret"], secret: 1 }, CLAIMS, "secret"),
  ];
  for (const token of tokens) {
    const fault = JSON.stringify(await verify(token));
    expect(fault).toContain('"kind":"fault"');
    expect(fault).not.toContain("secret");
    for (const part of token.split(".").filter((one) => one.length > 8)) expect(fault).not.toContain(part.slice(0, 8));
  }
});
