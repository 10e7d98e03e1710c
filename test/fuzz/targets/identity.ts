import assert from "node:assert/strict";
import type { Evidence, KeySet, TokenKeys } from "../../../src/app/identity-ports.js";
import { hashApiKey, parseApiKey } from "../../../src/identity/api-key.js";
import { credentialIdentity, findingsIn } from "../../../src/identity/credential.js";
import { envoyIdentity } from "../../../src/identity/envoy.js";
import { credentialProver } from "../../../src/identity/prover.js";
import { TokenVerifier } from "../../../src/identity/token-verifier.js";
import { readKeySet } from "../../../src/keys/read-key-set.js";
import { uriNames } from "../../../src/transport/peer.js";
import { apiKeyOf } from "../../support/api-keys.js";
import { instant } from "../../support/fake-clock.js";
import { IN_FORCE, ISSUER, NOW } from "../desk.js";
import { assertLine } from "../laws.js";
import type { Target } from "../target.js";
import { PUBLIC_KEYS, TOKENS } from "./tokens.js";

const clock = { now: () => instant(NOW) };
const NOBODY = { id: "", role: "", workspace: "" };

/** Keys that stay as they are. */
function held(set: KeySet | undefined): TokenKeys {
  return { held: () => set, renew: () => Promise.resolve(true), restsUntil: () => Number.POSITIVE_INFINITY };
}

function verifierBy(keys: TokenKeys): TokenVerifier {
  return new TokenVerifier({ policy: () => IN_FORCE, keysAt: () => keys, clock });
}

const published = readKeySet(JSON.stringify(PUBLIC_KEYS));
const issuerKeys = held(published.kind === "good" ? published.value : undefined);
const prover = credentialProver(verifierBy(issuerKeys));
const identities = [credentialIdentity(clock), envoyIdentity()];
const payloads = new Set(TOKENS.map((token) => token.split(".").slice(0, 2).join(".")));

/** Whoever is meant is found without a throw. */
function assertJudged(evidence: Evidence): void {
  for (const { proof } of findingsIn(IN_FORCE, evidence)) {
    if (proof.kind === "refused") assertLine(proof.refusal.message);
  }
  for (const identity of identities) {
    const who = identity.whoIs(IN_FORCE, NOBODY, evidence);
    if ("kind" in who) assertLine(who.kind === "fault" ? who.message : who.refusal.message);
    else assert.notEqual(who.id, "");
  }
}

const CLAIM_WORDS = [
  '"iss":',
  `"${ISSUER}"`,
  '"aud":',
  '"windbreak"',
  '"sub":',
  '"ann"',
  '"groups":["crew"]',
  '"team":"ml"',
];

export const IDENTITY: readonly Target[] = [
  {
    name: "api-key",
    law: "a key has its form and its checksum, and no other text is one; a fault shows nothing of it",
    words: ["wb_", "_", "A", "0", " ", "\n", apiKeyOf("ann"), apiKeyOf("bob").slice(12)],
    run(bytes) {
      const text = bytes.toString("utf8");
      const key = parseApiKey(text);
      if (key.kind === "none") return assertLine(key.why);
      assert.match(text, /^wb_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}$/);
      // One character more, less or other is no key.
      assert.equal(parseApiKey(text.slice(0, -1)).kind, "none");
      assert.equal(parseApiKey(`${text}0`).kind, "none");
      assert.match(hashApiKey(text), /^[0-9a-f]{64}$/);
    },
  },
  {
    name: "authorization",
    law: "evidence or a fault; no token proves anything but one that its issuer signed, to the letter",
    words: ["Bearer ", "bearer  ", "Basic ", ",", " ", ".", "e30", "eyJhbGciOiJub25lIn0", apiKeyOf("ann"), ...TOKENS],
    async run(bytes) {
      const [header = "", ...uris] = bytes.toString("latin1").split("\n");
      const evidence = await prover.prove({ authorization: [header], peerUris: uris });
      if ("kind" in evidence) return assertLine(String(evidence.kind === "fault" ? evidence.message : ""));
      assertJudged(evidence);
      if (!evidence.claims) return;
      const [head, payload] = header.replace(/^bearer +/i, "").split(".");
      assert.ok(payloads.has(`${head}.${payload}`));
    },
  },
  {
    name: "claims",
    law: "claims of any shape mean a principal, or are refused in words",
    words: [...CLAIM_WORDS, "{", "}", "[", "]", ",", "null", "true", "1", '"__proto__":', '"constructor"', '""'],
    run(bytes) {
      const claims = parsed(bytes.toString("utf8"));
      if (claims) assertJudged({ claims });
    },
  },
  {
    name: "peer-names",
    law: "the URIs of a certificate; a SPIFFE id among them means a principal or nobody",
    words: ["URI:", "DNS:", ", ", '"', "spiffe://acme/ann", "spiffe://acme/ns/a/sa/b", "/", "é", "\u0000"],
    run(bytes) {
      const subjectaltname = bytes.toString("utf8");
      const names = uriNames({ subjectaltname });
      for (const spiffeId of names) assertJudged({ spiffeId });
      if (names.length > 1) assert.ok(subjectaltname.includes(", "));
    },
  },
  {
    name: "key-set",
    law: "keys or a line; tokens are verified by whatever keys these are, or rejected in words",
    words: [
      ...[
        '{"keys":[',
        "]}",
        '"kty":',
        '"RSA"',
        '"EC"',
        '"OKP"',
        '"oct"',
        '"crv":"P-256"',
        '"crv":"Ed25519"',
        '"n":',
        '"e":"AQAB"',
      ],
      ...[
        '"x":',
        '"y":',
        '"kid":"one"',
        '"use":"enc"',
        '"key_ops":["sign"]',
        '"alg":"ES256"',
        '"d":"AA"',
        "null",
        '""',
        "{}",
        ",",
      ],
    ],
    async run(bytes) {
      const read = readKeySet(bytes.toString("utf8"));
      if (read.kind === "bad") return assertLine(read.why);
      const verifier = verifierBy(held(read.value));
      for (const token of TOKENS) {
        const verified = await verifier.verify(token);
        if (verified.kind === "fault") assertLine(verified.message);
        else assert.equal(verified.claims["iss"], ISSUER);
      }
    },
  },
];

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
