import { describe, expect, it } from "vitest";
import { type AuthorizeCall, authorize } from "../../../src/app/authorize.js";
import { checkBudget } from "../../../src/app/check-budget.js";
import type { Decided } from "../../../src/app/decision-log.js";
import type { Desk } from "../../../src/app/desk.js";
import type { PrincipalName } from "../../../src/app/forms.js";
import type { Evidence, Identity } from "../../../src/app/identity-ports.js";
import type { PendingCall } from "../../../src/app/pending-usage.js";
import type { CounterStore } from "../../../src/app/ports.js";
import { recordUsage } from "../../../src/app/record-usage.js";
import { refused } from "../../../src/app/refused.js";
import { Snapshot } from "../../../src/app/snapshot.js";
import { MemoryStore } from "../../../src/counters/memory/memory-store.js";
import { Calendar } from "../../../src/domain/window.js";
import { FakeClock } from "../../support/fake-clock.js";
import { policyOf } from "../../support/policy-words.js";
import { seededRandom24 } from "../../support/seeded-random.js";

const UNSAID: PrincipalName = { id: "", role: "", workspace: "" };
const ANN: PrincipalName = { id: "ann", role: "developer", workspace: "dev" };
const PROVED_ANN: PrincipalName = { ...ANN, isProved: true };
const UNKNOWN_ROLE = refused("unknown_role", "trust[0]: the claim role names no role of the policy", "ann");

/** A desk whose callers are whom the test says, last said last. */
function deskOf(answer: ReturnType<Identity["whoIs"]>, policy = policyOf({ workspaces: { ml: {} } })) {
  const memory = new MemoryStore(seededRandom24(1));
  let isAway = false;
  const away = { kind: "away", cause: new Error("the test says so") } as const;
  const store: CounterStore = {
    open: (caller) => memory.open(caller),
    reserve: (reserve) => memory.reserve(reserve),
    settle: (settle) => (isAway ? away : memory.settle(settle)),
    charge: (charge) => (isAway ? away : memory.charge(charge)),
    release: (release) => memory.release(release),
    read: (account, calendar, now) => memory.read(account, calendar, now),
    counters: (page) => memory.counters(page),
    reservations: (page, now) => memory.reservations(page, now),
    totals: (page, now) => memory.totals(page, now),
  };
  const snapshot = new Snapshot(policy, new Calendar("UTC"), store);
  const logged: Decided[] = [];
  const kept: PendingCall[] = [];
  const shown: (Evidence | undefined)[] = [];
  let says = answer;
  const whoIs: Identity["whoIs"] = (_policy, _named, evidence) => {
    shown.push(evidence);
    return says;
  };
  const desk: Desk = {
    identity: { whoIs },
    store,
    clock: new FakeClock("2026-03-10T12:00:00Z"),
    log: { decided: (decided) => logged.push(decided), settled: () => undefined, released: () => undefined },
    pending: { keep: (pending) => kept.push(pending) },
    snapshot: () => snapshot,
    inventId: () => "made-here",
  };
  const become = (next: typeof says) => {
    says = next;
  };
  return { desk, logged, kept, shown, become, loseStore: () => (isAway = true) };
}

function question(words: Partial<AuthorizeCall> = {}): AuthorizeCall {
  return {
    requestId: "req-1",
    principal: UNSAID,
    model: "small",
    endpoint: undefined,
    request: { inputTokens: 1, maxOutputTokens: 1, pages: 0, audioSeconds: 0, annotatedPages: false },
    labels: {},
    dryRun: false,
    includeLimits: false,
    ...words,
  };
}

function report(words: { readonly reservationId?: string; readonly requestId?: string }) {
  const usage = { inputTokens: 1, cachedInputTokens: 0, outputTokens: 1, pages: 0, audioSeconds: 0 };
  return {
    reservationId: "",
    requestId: "",
    principal: UNSAID,
    model: "small",
    endpoint: undefined,
    usage: { ...usage, annotatedPages: false },
    outcome: "succeeded" as const,
    labels: {},
    includeLimits: false,
    ...words,
  };
}

async function reserved(desk: Desk, words: Partial<AuthorizeCall> = {}): Promise<string> {
  const decision = await authorize(desk, question(words));
  if (decision.kind !== "allowed") throw new Error("the call was not allowed");
  return decision.grant.reservationId;
}

describe("a caller with a sound credential of which the policy makes nothing", () => {
  it("is denied by rule, and that is logged", async () => {
    const { desk, logged } = deskOf(UNKNOWN_ROLE);
    const { reason, message } = UNKNOWN_ROLE.refusal;
    expect(await authorize(desk, question())).toMatchObject({ kind: "denied", reason, message });
    expect(logged).toMatchObject([{ reason: "unknown_role", workspace: undefined }]);
  });

  it("has no budget to read", async () => {
    const { desk } = deskOf(UNKNOWN_ROLE);
    expect(await checkBudget(desk, { principal: UNSAID, model: "" })).toEqual({
      kind: "fault",
      code: "not_found",
      why: "unknown",
      message: UNKNOWN_ROLE.refusal.message,
    });
  });

  it("settles what it reserved before, by either id, and is charged for nothing else", async () => {
    const { desk, become } = deskOf(PROVED_ANN);
    const first = await reserved(desk);
    await reserved(desk, { requestId: "req-2" });
    become(UNKNOWN_ROLE);
    expect(await recordUsage(desk, report({ reservationId: first }))).toMatchObject({
      kind: "recorded",
      unreserved: false,
    });
    expect(await recordUsage(desk, report({ requestId: "req-2" }))).toMatchObject({
      kind: "recorded",
      unreserved: false,
    });
    expect(await recordUsage(desk, report({ reservationId: "none" }))).toMatchObject({
      kind: "fault",
      code: "not_found",
    });
  });

  it("settles nothing of another's, and nothing at all where nobody knows who it is", async () => {
    const { desk, become } = deskOf({ ...PROVED_ANN, id: "bob" });
    const first = await reserved(desk);
    become(UNKNOWN_ROLE);
    expect(await recordUsage(desk, report({ reservationId: first }))).toMatchObject({ code: "permission_denied" });
    become(refused("unknown_principal", "nobody"));
    expect(await recordUsage(desk, report({ reservationId: first }))).toMatchObject({
      code: "not_found",
      message: "nobody",
    });
  });

  it("is told to send again what the store cannot take, which is not kept for it", async () => {
    const { desk, become, kept, loseStore } = deskOf(PROVED_ANN);
    const first = await reserved(desk);
    become(UNKNOWN_ROLE);
    loseStore();
    expect(await recordUsage(desk, report({ reservationId: first }))).toMatchObject({ code: "unavailable" });
    expect(kept).toEqual([]);
  });
});

describe("a caller that proved who it is", () => {
  it("need not be listed where declared callers must be", async () => {
    const policy = policyOf({ unlistedPrincipals: "deny" });
    expect(await authorize(deskOf(PROVED_ANN, policy).desk, question())).toMatchObject({ kind: "allowed" });
    expect(await authorize(deskOf(ANN, policy).desk, question())).toMatchObject({ reason: "unknown_principal" });
  });

  it("settles what it reserved in another role and workspace, which a declared one may not", async () => {
    const { desk, become } = deskOf(PROVED_ANN, policyOf({ workspaces: { ml: {} }, roles: { senior: {} } }));
    const first = await reserved(desk);
    const second = await reserved(desk, { requestId: "req-2" });
    const moved = { id: "ann", role: "senior", workspace: "ml" };
    become(moved);
    expect(await recordUsage(desk, report({ reservationId: second }))).toMatchObject({ code: "permission_denied" });
    become({ ...moved, isProved: true });
    expect(await recordUsage(desk, report({ reservationId: first }))).toMatchObject({
      kind: "recorded",
      unreserved: false,
    });
    expect(await recordUsage(desk, report({ requestId: "req-2" }))).toMatchObject({
      kind: "recorded",
      unreserved: false,
    });
  });

  it("is known by what the door gathered", async () => {
    const { desk, shown } = deskOf(PROVED_ANN);
    const evidence = { spiffeId: "spiffe://acme/ann" };
    await authorize(desk, question(), { evidence });
    await authorize(desk, question());
    expect(shown).toEqual([evidence, undefined]);
  });
});
