import fc from "fast-check";
import { expect, test } from "vitest";
import { authorize } from "../../../../src/app/authorize.js";
import type { DecisionLog } from "../../../../src/app/decision-log.js";
import type { Desk } from "../../../../src/app/desk.js";
import { recordUsage } from "../../../../src/app/record-usage.js";
import { Snapshot } from "../../../../src/app/snapshot.js";
import { hasTurned } from "../../../../src/commands/replay/outcome.js";
import { Replay } from "../../../../src/commands/replay/replay.js";
import { inventRequestId } from "../../../../src/counters/memory/ids.js";
import { MemoryStore } from "../../../../src/counters/memory/memory-store.js";
import type { Policy } from "../../../../src/domain/policy.js";
import { Calendar } from "../../../../src/domain/window.js";
import { declaredIdentity } from "../../../../src/identity/declared.js";
import { loadPolicy } from "../../../../src/policy/load-policy.js";
import type { Entry } from "../../../../src/telemetry/decisions/entry.js";
import { jsonLines } from "../../../../src/telemetry/decisions/json-lines.js";
import { readLine } from "../../../../src/telemetry/decisions/read-line.js";
import { seededRandom24 } from "../../../support/seeded-random.js";
import { allowed, timeAt } from "./log-lines.js";

const START = Date.UTC(2026, 10, 22, 22);

function policyOf(text: string): Policy {
  const loaded = loadPolicy(Buffer.from(text), "policy.yaml");
  if (loaded.kind !== "ok") throw new Error(JSON.stringify(loaded.faults));
  return loaded.policy;
}

const policyWith = (unsettled: string) =>
  policyOf(`version: 1
timezone: Asia/Kathmandu
unsettled: ${unsettled}
reservation_ttl: 10m
limits: { usd_per_hour: 0.01 }
workspaces:
  dev:
    models: ["*"]
    limits: { requests_per_minute: 6, concurrent_requests: 5, tokens_per_day: { ceiling: 9000, on_exceed: shadow } }
roles: { crew: { models: [mistral-small-latest, mistral-embed], limits: { tokens_per_request: 3000, tokens_per_hour: 9000 } } }
principals: { ann: { role: crew, workspace: dev, limits: { output_tokens_per_minute: 4000 } } }
`);

/** One thing that happens: most are calls, and others settle, give back or let time pass. */
const event = fc.record({
  what: fc.constantFrom("ask", "ask", "ask", "again", "dry run", "settle", "settle by request_id", "release", "wait"),
  who: fc.constantFrom("ann", "bob", "cy"),
  model: fc.constantFrom(
    "mistral-small-latest",
    "mistral-small-latest",
    "mistral-embed",
    "mistral-large-latest",
    "none",
  ),
  input: fc.nat(2_000),
  output: fc.constantFrom(0, 0, 300, 1_500),
  of: fc.nat(20),
  ms: fc.constantFrom(0, 1, 900, 900, 7_000, 61_000, 660_000, 1_800_000),
});
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

/** Play events on a service, and take down its log. */
async function played(policy: Policy, events: readonly Event[]): Promise<readonly string[]> {
  let now = START;
  const lines: string[] = [];
  const lineOf = jsonLines({ replica: "host/1", share: 1 });
  const write = (entry: Omit<Entry, "at" | "tookMs">) => {
    lines.push(lineOf({ ...entry, at: now, tookMs: undefined } as Entry));
  };
  const log: DecisionLog = {
    decided: (facts) => write({ kind: "decision", facts } as Entry),
    settled: (facts) => write({ kind: "settlement", facts } as Entry),
    released: (facts) => write({ kind: "release", facts } as Entry),
  };
  const random = seededRandom24(7);
  const store = new MemoryStore(random);
  const calendar = new Calendar(policy.timezone);
  const snapshot = new Snapshot(policy, calendar, store, 64);
  const desk: Desk = {
    identity: declaredIdentity(),
    store,
    clock: { now: () => now },
    log,
    snapshot: () => snapshot,
    inventId: () => inventRequestId(random),
  };
  const asked: { event: Event; requestId: string; reservationId: string }[] = [];
  const ask = async (what: Event, requestId: string, dryRun: boolean) => {
    const { model, input, output } = what;
    const request = { inputTokens: input, maxOutputTokens: output, pages: 0, audioSeconds: 0, annotatedPages: false };
    const principal = nameOf(what);
    const call = {
      requestId,
      principal,
      model,
      endpoint: undefined,
      request,
      labels: {},
      dryRun,
      includeLimits: false,
    };
    const answer = await authorize(desk, call);
    if (answer.kind === "allowed" && !dryRun) {
      asked.push({ event: what, requestId: answer.grant.requestId, reservationId: answer.grant.reservationId });
    }
  };
  for (const [index, one] of events.entries()) {
    now += one.ms;
    const known = asked[asked.length - 1 - (one.of % Math.max(1, Math.min(5, asked.length)))];
    if (one.what === "ask") await ask(one, index % 2 === 0 ? "" : `chosen-${index}`, false);
    if (one.what === "dry run") await ask(one, "", true);
    if (!known) continue;
    if (one.what === "again") await ask(known.event, known.requestId, false);
    if (one.what === "release") {
      const { reservationId } = known;
      const forget = one.of % 2 === 0;
      const released = store.release({ reservationId, forget, now, calendar });
      if (released.kind === "released") log.released({ reservationId, why: forget ? "caller_gone" : "operator" });
    }
    if (!one.what.startsWith("settle")) continue;
    const byId = one.what === "settle";
    const usage = { inputTokens: one.input, cachedInputTokens: 0, outputTokens: one.output, pages: 0, audioSeconds: 0 };
    await recordUsage(desk, {
      reservationId: byId ? known.reservationId : "",
      requestId: byId ? "" : known.requestId,
      principal: nameOf(known.event),
      model: known.event.model,
      endpoint: undefined,
      usage: one.of % 3 === 0 ? undefined : { ...usage, annotatedPages: false },
      outcome: one.of % 3 === 0 ? "failed" : "succeeded",
      labels: {},
      includeLimits: false,
    });
  }
  return lines;
}

function nameOf({ who }: Event) {
  return { id: who, role: who === "ann" ? "" : "crew", workspace: who === "ann" ? "" : "dev" };
}

async function replayed(policy: Policy, lines: readonly string[]): Promise<Replay> {
  const replay = new Replay(policy, 10);
  for (const text of lines) {
    const line = readLine(text);
    if (line.kind === "unreadable" || line.kind === "another_version" || line.kind === "unknown_kind") continue;
    await replay.take(line);
  }
  replay.end();
  return replay;
}

test.each(["charge", "release"])("nothing turns under the policy that decided (unsettled: %s)", async (unsettled) => {
  const policy = policyWith(unsettled);
  const seen = { allowed: 0, denied: 0, repeats: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 120, size: "max" }), async (events) => {
      const lines = await played(policy, events);
      const { tally, facts } = await replayed(policy, lines);
      expect(hasTurned({ tally, facts })).toBe(false);
      expect(facts.deniedOtherwise).toBe(0);
      expect(facts.spent.now).toBe(facts.spent.was);
      expect(facts.unreserved.notCharged).toBe(0);
      seen.allowed += facts.sameAllowed;
      seen.denied += facts.sameDenied;
      seen.repeats += facts.notCompared.get("repeats") ?? 0;
    }),
    { numRuns: 100 },
  );
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(50);
});

test("a line that is too late is taken at the time that was reached", async () => {
  const replay = await replayed(
    policyWith("charge"),
    [allowed("a", 100), allowed("b", 0)].map((line) => JSON.stringify(line)),
  );
  expect(replay.facts).toMatchObject({ decisions: 2, to: Date.parse(timeAt(100)) });
});

test("whatever a log holds, it is replayed to its end", async () => {
  const policy = policyWith("charge");
  const extreme = fc.constantFrom(0, 1, 2 ** 53 - 1, "9999-12-31T23:59:59.999Z", "1970-01-01T00:00:00Z", "r", true, {});
  const twisted = fc.tuple(
    fc.nat(119),
    fc.constantFrom("time", "reservation_id", "usage", "asked", "expires_at"),
    extreme,
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 120, size: "max" }),
      fc.array(twisted, { size: "+1" }),
      async (events, twists) => {
        const lines = [...(await played(policy, events))];
        for (const [at, field, value] of twists) {
          const line = lines[at];
          if (line !== undefined) lines[at] = JSON.stringify({ ...JSON.parse(line), [field]: value });
        }
        const { tally } = await replayed(policy, lines);
        expect(tally.blocked.cost).toBeGreaterThanOrEqual(0);
      },
    ),
    { numRuns: 60 },
  );
});
