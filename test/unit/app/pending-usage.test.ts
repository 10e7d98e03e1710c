import { describe, expect, it } from "vitest";
import type { Desk } from "../../../src/app/desk.js";
import type { PendingCall } from "../../../src/app/pending-usage.js";
import type { Away, CounterStore } from "../../../src/app/ports.js";
import { recordPending, recordUsage } from "../../../src/app/record-usage.js";
import { Snapshot } from "../../../src/app/snapshot.js";
import type { RecordUsageCall } from "../../../src/app/usage-report.js";
import { MemoryStore } from "../../../src/counters/memory/memory-store.js";
import { credentialIdentity } from "../../../src/identity/credential.js";
import { declaredIdentity } from "../../../src/identity/declared.js";
import { apiKeyHashOf, apiKeyOf } from "../../support/api-keys.js";
import { FakeClock } from "../../support/fake-clock.js";
import { seededRandom24 } from "../../support/seeded-random.js";
import { Stage } from "../../support/stage.js";

const AWAY: Away = { kind: "away", cause: new Error("no answer within 50 ms") };
const USAGE = {
  inputTokens: 7,
  cachedInputTokens: 0,
  outputTokens: 5,
  pages: 0,
  audioSeconds: 0,
  annotatedPages: false,
};
const LIMITS = { "roles.developer.tokens_per_day": 1_000 };
const UNAVAILABLE = {
  kind: "fault",
  code: "unavailable",
  message: "the counter store did not answer; send the same again, it is charged once",
};

const ANNS_KEY = new Map([[apiKeyHashOf("ann"), "ann"]]);
const LISTED = {
  role: "developer",
  workspace: "dev",
  disabled: false,
  limits: [],
  models: undefined,
  endpoints: undefined,
};

/** A desk before a store of which some methods are away. */
function deskOf() {
  const memory = new MemoryStore(seededRandom24(1));
  const gone = new Set<"settle" | "charge" | "read">();
  const store: CounterStore = {
    open: (caller) => memory.open(caller),
    reserve: (reserve) => memory.reserve(reserve),
    settle: (settle) => (gone.has("settle") ? AWAY : memory.settle(settle)),
    charge: (charge) => (gone.has("charge") ? AWAY : memory.charge(charge)),
    release: (release) => memory.release(release),
    read: (account, calendar, now) => (gone.has("read") ? AWAY : memory.read(account, calendar, now)),
    counters: (page) => memory.counters(page),
    reservations: (page, now) => memory.reservations(page, now),
    totals: (page, now) => memory.totals(page, now),
  };
  const stage = new Stage(memory, new FakeClock("2026-03-10T12:00:00Z"), { limits: LIMITS });
  const snapshot = new Snapshot(stage.policy, stage.calendar, store);
  const kept: PendingCall[] = [];
  const desk: Desk = {
    identity: declaredIdentity(),
    store,
    clock: stage.clock,
    log: { decided: () => undefined, settled: () => undefined, released: () => undefined },
    pending: { keep: (pending) => kept.push(pending) },
    snapshot: () => snapshot,
    inventId: () => "made-here",
  };
  return { desk, gone, kept, stage };
}

function callOf(words: Partial<RecordUsageCall>): RecordUsageCall {
  return {
    reservationId: "",
    requestId: "",
    principal: { id: "ann", role: "developer", workspace: "dev" },
    model: "small",
    endpoint: undefined,
    usage: USAGE,
    outcome: "succeeded",
    labels: {},
    includeLimits: false,
    ...words,
  };
}

describe("usage that finds the store away", () => {
  it("is kept for whom its caller proved to be, and without what proved it", async () => {
    const { desk, gone, kept, stage } = deskOf();
    const policy = { ...stage.policy, credentials: { ...stage.policy.credentials, byApiKeyHash: ANNS_KEY } };
    const principals = new Map([["ann", { ...LISTED, name: "ann" }]]);
    const snapshot = new Snapshot({ ...policy, principals }, stage.calendar, desk.store);
    const proving: Desk = { ...desk, identity: credentialIdentity(stage.clock), snapshot: () => snapshot };
    gone.add("settle");
    const call = callOf({ reservationId: "res-1", principal: { id: "", role: "", workspace: "" } });
    expect(await recordUsage(proving, call, { evidence: { apiKey: apiKeyOf("ann") } })).toEqual(UNAVAILABLE);
    expect(kept).toEqual([{ call, name: { id: "ann", role: "", workspace: "", isProved: true } }]);
    expect(JSON.stringify(kept)).not.toContain(apiKeyOf("ann").slice(12, 40));
  });

  it("is kept as it came, and its caller told to send it again", async () => {
    const { desk, gone, kept } = deskOf();
    gone.add("settle");
    const call = callOf({ reservationId: "res-1", labels: { team: "search" }, includeLimits: true });
    expect(await recordUsage(desk, call)).toEqual(UNAVAILABLE);
    expect(kept).toEqual([{ call, name: call.principal }]);
  });

  it("is kept where the store goes away between looking for the reservation and charging without one", async () => {
    const { desk, gone, kept } = deskOf();
    gone.add("charge");
    const call = callOf({ requestId: "req-1" });
    expect(await recordUsage(desk, call)).toEqual(UNAVAILABLE);
    expect(kept).toEqual([{ call, name: call.principal }]);
  });

  it("is kept by whom it is settled: a reservation's id alone needs nobody's name", async () => {
    const { desk, gone, kept } = deskOf();
    gone.add("settle");
    const nobody = { id: "", role: "", workspace: "" };
    await recordUsage(desk, callOf({ reservationId: "res-1", principal: nobody }));
    expect(kept.map(({ name }) => name)).toEqual([nobody]);
  });

  it("is kept each time that it is sent", async () => {
    const { desk, gone, kept } = deskOf();
    gone.add("settle");
    await recordUsage(desk, callOf({ reservationId: "res-1" }));
    await recordUsage(desk, callOf({ reservationId: "res-1" }));
    expect(kept.length).toBe(2);
  });

  it("is answered alike where nothing keeps it", async () => {
    const { desk, gone } = deskOf();
    gone.add("settle");
    const { identity, store, clock, log, snapshot, inventId } = desk;
    const call = callOf({ reservationId: "res-1" });
    expect(await recordUsage({ identity, store, clock, log, snapshot, inventId }, call)).toEqual(UNAVAILABLE);
  });
});

describe("usage that is not kept", () => {
  it("is what was recorded, also where the store went away before its limits were read", async () => {
    const { desk, gone, kept, stage } = deskOf();
    const { grant } = await stage.admit({ input: 7, output: 5 });
    gone.add("read");
    const recorded = await recordUsage(desk, callOf({ reservationId: grant.reservationId, includeLimits: true }));
    expect(recorded).toMatchObject({ kind: "recorded", cost: 29, already: false, limits: [] });
    expect(kept).toEqual([]);
  });

  it.each<[string, string, Partial<RecordUsageCall>]>([
    ["names neither id", "invalid_argument", {}],
    ["has an id that is too long", "invalid_argument", { reservationId: "x".repeat(513) }],
    ["has a request_id of another form", "invalid_argument", { requestId: "a b" }],
    ["counts below zero", "invalid_argument", { requestId: "r", usage: { ...USAGE, pages: -1 } }],
  ])("is at fault whatever the store says: it %s", async (_, code, words) => {
    const { desk, gone, kept } = deskOf();
    gone.add("settle");
    gone.add("charge");
    expect(await recordUsage(desk, callOf(words))).toMatchObject({ kind: "fault", code });
    expect(kept).toEqual([]);
  });

  it.each<[string, string, Partial<RecordUsageCall>]>([
    ["has a model that nobody knows", "not_found", { requestId: "r", model: "unheard-of" }],
    ["has no model", "invalid_argument", { requestId: "r", model: "" }],
    ["has no usage", "invalid_argument", { requestId: "r", usage: undefined }],
    [
      "is of a role that nobody knows",
      "not_found",
      { requestId: "r", principal: { id: "ann", role: "unheard-of", workspace: "dev" } },
    ],
  ])("was refused by the store's answer: it %s", async (_, code, words) => {
    const { desk, kept } = deskOf();
    expect(await recordUsage(desk, callOf(words))).toMatchObject({ kind: "fault", code });
    expect(kept).toEqual([]);
  });

  it("is another's", async () => {
    const { desk, kept, stage } = deskOf();
    const { grant } = await stage.admit();
    const bob = { id: "bob", role: "developer", workspace: "dev" };
    const call = callOf({ reservationId: grant.reservationId, principal: bob });
    expect(await recordUsage(desk, call)).toMatchObject({ kind: "fault", code: "permission_denied" });
    expect(kept).toEqual([]);
  });
});

describe("usage that was kept", () => {
  it("is recorded once the store is there, and once only", async () => {
    const { desk, gone, kept, stage } = deskOf();
    const { grant } = await stage.admit({ input: 100 });
    gone.add("settle");
    await recordUsage(desk, callOf({ reservationId: grant.reservationId }));
    gone.clear();
    const [pending] = kept;
    if (!pending) throw new Error("nothing was kept");
    expect(await recordPending(desk, pending)).toMatchObject({ kind: "recorded", cost: 29, already: false });
    expect(await recordPending(desk, pending)).toMatchObject({ kind: "recorded", cost: 29, already: true });
    expect(await recordUsage(desk, pending.call)).toMatchObject({ kind: "recorded", cost: 29, already: true });
    expect(await stage.counted()).toEqual({ "roles.developer.tokens_per_day": "12+0" });
  });

  it("is not kept a second time by being sent: whoever sends it has it", async () => {
    const { desk, gone, kept } = deskOf();
    gone.add("settle");
    const call = callOf({ reservationId: "res-1" });
    expect(await recordPending(desk, { call, name: call.principal })).toEqual(UNAVAILABLE);
    expect(kept).toEqual([]);
  });

  it("is judged by whom it was kept, not by what it names", async () => {
    const { desk, stage } = deskOf();
    const { grant } = await stage.admit();
    const call = callOf({ reservationId: grant.reservationId });
    const name = { id: "bob", role: "developer", workspace: "dev" };
    expect(await recordPending(desk, { call, name })).toMatchObject({ kind: "fault", code: "permission_denied" });
  });
});
