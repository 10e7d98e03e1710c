// What it takes to know who calls, by each kind of credential, besides the decision. Needs `npm run build`.
import { randomBytes } from "node:crypto";
import { Metadata } from "@grpc/grpc-js";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { built } from "./built.mjs";

const { hashApiKey, makeApiKey } = await built("identity/api-key.js");
const { credentialIdentity } = await built("identity/credential.js");
const { credentialProver } = await built("identity/prover.js");
const { TokenVerifier } = await built("identity/token-verifier.js");
const { loadPolicy } = await built("policy/load-policy.js");

const NEW_TOKENS = 1_000;
const KNOWN_CALLS = 200_000;
const UNSAID = { id: "", role: "", workspace: "" };
const SPIFFE_ID = "spiffe://acme/search";
const clock = { now: Date.now };
const key = makeApiKey(randomBytes);

const loaded = loadPolicy(
  Buffer.from(`version: 1
workspaces: { dev: { models: ["*"] } }
roles: { crew: { models: ["*"] } }
principals:
  search: { role: crew, workspace: dev, credentials: [{ api_key_sha256: "${hashApiKey(key)}" }, { spiffe: "${SPIFFE_ID}" }] }
trust:
  - { jwt: { issuer: i, audience: w, jwks: https://i/k }, principal: { claim: sub }, role: crew, workspace: dev }
`),
  "policy.yaml",
);
if (loaded.kind === "faulty") throw new Error("the policy is at fault");
const { policy } = loaded;
const identity = credentialIdentity(clock);

/** @param {string} alg */
async function issuerOf(alg) {
  const pair = await generateKeyPair(alg, { extractable: true });
  const { kty = "", ...rest } = await exportJWK(pair.publicKey);
  const keySet = { keys: [{ kty, ...rest, kid: "one", alg }] };
  const keys = { held: () => keySet, renew: async () => true };
  const prover = credentialProver(new TokenVerifier({ policy: () => policy, keysAt: () => keys, clock }));
  /** @param {number} nth */
  const token = (nth) =>
    new SignJWT({ sub: `ann-${nth}`, more: "x".repeat(300) })
      .setIssuer("i")
      .setAudience("w")
      .setExpirationTime("1h")
      .setProtectedHeader({ alg, kid: "one" })
      .sign(pair.privateKey);
  const tokens = await Promise.all(Array.from({ length: 2 * NEW_TOKENS }, (_, nth) => token(nth)));
  return { prover, tokens };
}

/** Who calls, as the service finds it out. @param {import("../../src/app/identity-ports.js").Prover} prover */
function ask(prover, metadata = new Metadata(), peerUris = /** @type {string[]} */ ([])) {
  const evidence = prover.prove({ authorization: metadata.get("authorization").map(String), peerUris });
  if (evidence instanceof Promise || "kind" in evidence) throw new Error("it is not known at once");
  const who = identity.whoIs(policy, UNSAID, evidence);
  if ("kind" in who) throw new Error("it means nobody");
}

/** The best of three, in microseconds a call. @param {() => void} call */
function timed(call) {
  const rounds = [0, 1, 2].map(() => {
    const begun = performance.now();
    for (let nth = 0; nth < KNOWN_CALLS; nth++) call();
    return ((performance.now() - begun) * 1_000) / KNOWN_CALLS;
  });
  return Math.min(...rounds).toFixed(2);
}

/** @param {string} text */
function showing(text) {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${text}`);
  return metadata;
}

for (const alg of ["RS256", "ES256", "EdDSA"]) {
  const { prover, tokens } = await issuerOf(alg);
  const prove = (/** @type {string} */ token) => prover.prove({ authorization: [`Bearer ${token}`], peerUris: [] });
  for (const token of tokens.slice(NEW_TOKENS)) await prove(token);
  const begun = performance.now();
  for (const token of tokens.slice(0, NEW_TOKENS)) await prove(token);
  const fresh = ((performance.now() - begun) * 1_000) / NEW_TOKENS;
  const known = showing(tokens[0] ?? "");
  console.log(`token, ${alg}: new ${fresh.toFixed(0)} us, known ${timed(() => ask(prover, known))} us`);
}
const { prover } = await issuerOf("ES256");
const shown = showing(key);
console.log(`API key: ${timed(() => ask(prover, shown))} us`);
console.log(`SPIFFE id: ${timed(() => ask(prover, undefined, [SPIFFE_ID]))} us`);
