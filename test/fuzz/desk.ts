import type { Desk } from "../../src/app/desk.js";
import type { Identity } from "../../src/app/identity-ports.js";
import { Snapshot } from "../../src/app/snapshot.js";
import { MemoryStore } from "../../src/counters/memory/memory-store.js";
import type { Policy } from "../../src/domain/policy.js";
import { Calendar } from "../../src/domain/window.js";
import { declaredIdentity } from "../../src/identity/declared.js";
import { loadPolicy } from "../../src/policy/load-policy.js";
import { apiKeyHashOf } from "../support/api-keys.js";
import { FakeClock } from "../support/fake-clock.js";
import { seededRandom24 } from "../support/seeded-random.js";

/** Whose tokens the policy takes. */
export const ISSUER = "https://idp.example";

const POLICY = `version: 1
limits: { usd_per_month: 3000, tokens_per_day: 1_000_000 }
workspaces:
  dev: { models: ["*"], limits: { requests_per_minute: 60 }, unbounded: [output, batch, priority_tier, built_in_tools] }
  ml: { models: [mistral-small-latest], limits: { usd_per_hour: 5 } }
roles:
  crew: { models: ["*"], limits: { tokens_per_request: 20_000, concurrent_requests: 9, tokens_per_day: 500_000 } }
principals:
  ann:
    role: crew
    workspace: dev
    credentials:
      - api_key_sha256: ${apiKeyHashOf("ann")}
      - spiffe: spiffe://acme/ann
      - jwt: { issuer: ${ISSUER}, audience: windbreak, claims: { sub: ann } }
trust:
  - jwt: { issuer: ${ISSUER}, audience: windbreak, jwks: ${ISSUER}/jwks }
    principal: { claim: sub }
    role: { claim: groups, map: { crew: crew } }
    workspace: { claim: team, map: { ml: ml, dev: dev } }
  - { spiffe: "spiffe://acme/ns/*/sa/*", role: crew, workspace: dev }
`;

export const NOW = "2026-03-10T12:00:00Z";

/** The policy that calls are decided by. */
export const IN_FORCE: Policy = policyOf(POLICY);
const CALENDAR = new Calendar(IN_FORCE.timezone);

/**
 * Desks over stores in which nothing is counted yet, so that each input is read alike.
 *
 * One at which nobody was admitted and nothing was charged is used again: a new one takes milliseconds.
 */
export class Desks {
  readonly #identity: Identity;
  #clean: Desk | undefined;

  constructor(identity: Identity = declaredIdentity()) {
    this.#identity = identity;
  }

  fresh(): Desk {
    this.#clean ??= this.#make();
    return this.#clean;
  }

  #make(): Desk {
    const store = new MemoryStore(seededRandom24(1));
    const snapshot = new Snapshot(IN_FORCE, CALENDAR, store);
    const spoil = () => {
      this.#clean = undefined;
    };
    return {
      identity: this.#identity,
      store,
      clock: new FakeClock(NOW),
      log: { decided: ({ reason }) => (reason === "allowed" ? spoil() : undefined), settled: spoil, released: spoil },
      snapshot: () => snapshot,
      inventId: () => "made-here",
    };
  }
}

function policyOf(text: string): Policy {
  const loaded = loadPolicy(Buffer.from(text), "policy");
  if (loaded.kind === "faulty") throw new Error(loaded.faults.map(({ path, what }) => `${path}: ${what}`).join("\n"));
  return loaded.policy;
}
