import { expect, it } from "vitest";
import { distrusted } from "../../../src/app/fault.js";
import { credentialProver } from "../../../src/identity/prover.js";

const CLAIMS = { iss: "i", sub: "ann" };
/** Knows one token at once, one after a while, and no other. */
const prover = credentialProver({
  verify: (token) => {
    const verified = { kind: "verified", claims: CLAIMS, expiresAt: 5 } as const;
    if (token === "e.known.t") return verified;
    return token === "e.new.t" ? Promise.resolve(verified) : distrusted("unauthenticated", "malformed", "no");
  },
});
const prove = (authorization: readonly string[], peerUris: readonly string[] = []) =>
  prover.prove({ authorization, peerUris });
const OF_TOKEN = { claims: CLAIMS, expiresAt: 5 };

it.each([
  ["a key", ["Bearer wb_x"], [], { apiKey: "wb_x" }],
  ["a key in another letter case of the scheme", ["bEARER  wb_x "], [], { apiKey: "wb_x" }],
  ["a token that is known", ["Bearer e.known.t"], [], OF_TOKEN],
  ["a certificate", [], ["spiffe://a/b"], { spiffeId: "spiffe://a/b" }],
  ["a certificate and a key", ["Bearer wb_x"], ["spiffe://a/b"], { apiKey: "wb_x", spiffeId: "spiffe://a/b" }],
  ["a key, with a certificate that names a page", ["Bearer wb_x"], ["https://a/b"], { apiKey: "wb_x" }],
])("what is shown by %s is taken as evidence, at once", (_, authorization, uris, expected) => {
  expect(prove(authorization, uris)).toEqual(expected);
});

it("a token that must be verified is waited for", async () => {
  const coming = prove(["Bearer e.new.t"], ["spiffe://a/b"]);
  expect(coming).toBeInstanceOf(Promise);
  expect(await coming).toEqual({ ...OF_TOKEN, spiffeId: "spiffe://a/b" });
});

it.each([
  ["another scheme", ["Basic dTpw"]],
  ["no scheme", ["wb_x"]],
  ["an empty bearer", ["Bearer "]],
  ["two in one", ["Bearer wb_x, Bearer wb_y"]],
  ["two values", ["Bearer wb_x", "Bearer wb_x"]],
  ["a token that does not hold", ["Bearer e.bad.t"]],
])("who shows %s is nobody, also with a certificate", (_, authorization) => {
  expect(prove(authorization, ["spiffe://a/b"])).toMatchObject({ kind: "fault", code: "unauthenticated" });
});

it.each([
  ["nothing", []],
  ["a certificate that names two", ["spiffe://a/b", "spiffe://a/c"]],
  ["a certificate that names a page", ["https://a/b"]],
])("who shows %s is told what to send", (_, uris) => {
  expect(prove([], uris)).toMatchObject({
    code: "unauthenticated",
    message: expect.stringContaining("send authorization: Bearer wb_"),
  });
});
