// Who is asking: callers that are taken at their word, beside callers that prove who they are. The same questions, side by
// side in one run.
import { randomBytes } from "node:crypto";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { checkProving } from "./answers.mjs";
import { built } from "./built.mjs";
import { makeCertificate, SERVER_NAME } from "./certificates.mjs";
import { newFolder, put, TTL, windbreak } from "./contestants.mjs";
import { benchPolicy } from "./policy.mjs";
import { measureRound } from "./rounds.mjs";

/** @type {typeof import("../../src/identity/api-key.js")} */
const { hashApiKey, makeApiKey } = await built("identity/api-key.js");

/**
 * @typedef {import("./contestants.mjs").Contestant} Contestant
 * @typedef {import("./rounds.mjs").Cell} Cell
 *
 * @typedef {object} IdentityFigures
 * @property {readonly import("./rounds.mjs").Measurement[]} measured
 */

export const DECLARED = "declared";
export const BY_KEY = "by an API key";
const BY_TOKEN = "by a token";
export const PLAIN = "declared, plain text";
const TLS = "declared, TLS";
const BY_CERTIFICATE = "by a certificate, mTLS";

/** What each is held against: the same without, asked by the same source of load. */
export const WITHOUT = new Map([
  [BY_KEY, DECLARED],
  [BY_TOKEN, DECLARED],
  [TLS, PLAIN],
  [BY_CERTIFICATE, PLAIN],
]);

const SPIFFE_ID = "spiffe://acme/ns/search/sa/default";
const ISSUER = "https://idp.acme.example";
const AUDIENCE = "windbreak";
const ALG = "ES256";

/** @type {readonly Cell[]} */
const CELLS = [
  { door: "unary", connections: 1, inFlight: 1, pace: "saturation" },
  { door: "unary", connections: 4, inFlight: 16, pace: "saturation" },
];

/**
 * Measure all ways to know who calls, by turns in each round.
 *
 * @param {{ rounds: number, timing: import("./rounds.mjs").Timing, nodeFlags: readonly string[] }} plan
 * @param {(line: string) => void} say
 * @returns {Promise<IdentityFigures>}
 */
export async function measureIdentity({ rounds, timing, nodeFlags }, say) {
  const contestants = await callers(nodeFlags);
  const measured = [];
  for (let round = 1; round <= rounds; round++) {
    say(`who is asking, round ${round} of ${rounds}`);
    measured.push(...(await measureRound({ contestants, cells: CELLS, timing }, round)));
  }
  return { measured };
}

/**
 * All decide by the same policy, in which one caller has a credential of each kind.
 *
 * @param {readonly string[]} nodeFlags
 * @returns {Promise<readonly Contestant[]>}
 */
async function callers(nodeFlags) {
  const apiKey = makeApiKey(randomBytes);
  const token = await issueToken();
  const { serving, ca, client } = certificates();
  const credentials = [`{ api_key_sha256: "${hashApiKey(apiKey)}" }`, `{ spiffe: "${SPIFFE_ID}" }`, token.credential];
  const policyFile = put("policy-identity.yaml", benchPolicy({ ttl: TTL, credentials }));
  const declared = (/** @type {string} */ name, flags = /** @type {readonly string[]} */ ([])) =>
    windbreak({ name, nodeFlags, policyFile, flags: () => flags });
  const proving = (/** @type {string} */ name, flags = /** @type {readonly string[]} */ ([])) => ({
    ...declared(name, ["--identity", "credential", ...flags]),
    check: checkProving,
  });
  return [
    declared(DECLARED),
    { ...proving(BY_KEY), asked: { authorization: `Bearer ${apiKey}` } },
    { ...proving(BY_TOKEN), asked: { authorization: `Bearer ${token.text}` } },
    { ...declared(PLAIN), asked: { source: "driver" } },
    { ...declared(TLS, serving), asked: { source: "driver", tls: { ca } } },
    {
      ...proving(BY_CERTIFICATE, [...serving, "--tls-client-ca", ca]),
      asked: { source: "driver", tls: { ca, client } },
    },
  ];
}

/** Make a token as an identity provider does, and what the policy says of it. */
async function issueToken() {
  const pair = await generateKeyPair(ALG);
  const key = { ...(await exportJWK(pair.publicKey)), kid: "one", alg: ALG, use: "sig" };
  const file = put("jwks.json", JSON.stringify({ keys: [key] }));
  const text = await new SignJWT({ sub: "search", groups: ["search", "staff"] })
    .setProtectedHeader({ alg: ALG, kid: "one", typ: "JWT" })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setIssuedAt()
    .setJti(randomBytes(16).toString("hex"))
    .setExpirationTime("1d")
    .sign(pair.privateKey);
  const asked = `issuer: "${ISSUER}", audience: ${AUDIENCE}, claims: { sub: search }, jwks: { file: "${file}" }`;
  return { text, credential: `{ jwt: { ${asked} } }` };
}

function certificates() {
  const folder = newFolder("certificates");
  const authority = makeCertificate(`${folder}/ca`, { name: "DNS:authority" });
  const server = makeCertificate(`${folder}/server`, { name: `DNS:${SERVER_NAME}`, by: authority });
  const client = makeCertificate(`${folder}/client`, { name: `URI:${SPIFFE_ID}`, by: authority });
  return { serving: ["--tls-cert", server.certificate, "--tls-key", server.key], ca: authority.certificate, client };
}
