import { describe, expect, it } from "vitest";
import { MarksHere } from "../../../src/alerts/marks-here.js";
import type { AlertMarks, AlertNotice } from "../../../src/app/alert-ports.js";
import { AlertRounds } from "../../../src/app/alert-round.js";
import type { Desk } from "../../../src/app/desk.js";
import { Snapshot } from "../../../src/app/snapshot.js";
import { MemoryStore } from "../../../src/counters/memory/memory-store.js";
import type { Alert } from "../../../src/domain/alert.js";
import { declaredIdentity } from "../../../src/identity/declared.js";
import { FakeClock } from "../../support/fake-clock.js";
import { seededRandom24 } from "../../support/seeded-random.js";
import { Stage } from "../../support/stage.js";

const ALERT: Alert = {
  at: [50, 80],
  forecast: false,
  target: { name: "ops", webhook: "https://hooks.example/", secret: undefined },
  limits: ["*"],
};
const LIMITS = { "workspaces.dev.tokens_per_day": 100, "roles.developer.tokens_per_day": 100 };

type Notify = (notice: AlertNotice) => Promise<string | undefined>;

function setting(words: { notify?: Notify; alerts?: readonly Alert[] } = {}) {
  const { notify = async () => undefined, alerts = [ALERT] } = words;
  const store = new MemoryStore(seededRandom24(1));
  const stage = new Stage(store, new FakeClock("2026-11-15T12:00:00Z"), { limits: LIMITS, alerts });
  const snapshot = new Snapshot(stage.policy, stage.calendar, store);
  const desk: Desk = {
    identity: declaredIdentity(),
    store,
    clock: stage.clock,
    log: { decided: () => undefined, settled: () => undefined, released: () => undefined },
    snapshot: () => snapshot,
    inventId: () => "made-here",
  };
  const stopping = new AbortController();
  const told: string[] = [];
  const failed: string[] = [];
  const named = ({ limit, occasion }: AlertNotice) =>
    `${limit.limit.name} ${limit.principal} ${occasion.kind === "threshold" ? occasion.percent : "forecast"}`;
  const marks = new MarksHere({ clock: stage.clock, failed: () => undefined });
  const replica = (of: AlertMarks = marks) =>
    new AlertRounds({
      desk,
      marks: of,
      notifier: { notify },
      stopped: stopping.signal,
      log: {
        told: (notice) => told.push(named(notice)),
        failed: (notice, why) => failed.push(`${named(notice)}: ${why}`),
      },
    });
  return { stage, told, failed, replica, marks, stopping };
}

/** Limits that many share come in each round, principals' after the others: two see them all, and tell them. */
async function look(rounds: AlertRounds): Promise<void> {
  for (let round = 0; round < 2; round++) {
    await rounds.run();
    await rounds.settled();
  }
}

describe("a round", () => {
  it("tells of each threshold once, of limits of workspaces and of principals", async () => {
    const { stage, told, replica } = setting();
    const rounds = replica();
    await look(rounds);
    expect(told).toEqual([]);
    await stage.reserve({ as: "ann", input: 40, output: 10 });
    await look(rounds);
    await look(rounds);
    expect(told).toEqual(["workspaces.dev.tokens_per_day  50", "roles.developer.tokens_per_day ann 50"]);
    await stage.reserve({ as: "bob", input: 20, output: 10 });
    await look(rounds);
    expect(told.slice(2)).toEqual(["workspaces.dev.tokens_per_day  80"]);
  });

  it("tells again in the next window", async () => {
    const { stage, told, replica } = setting();
    const rounds = replica();
    for (const day of ["2026-11-15T12:00:00Z", "2026-11-16T12:00:00Z"]) {
      stage.clock.moveTo(day);
      await stage.reserve({ as: "ann", input: 40, output: 10 });
      await look(rounds);
    }
    expect(told.filter((line) => line.startsWith("workspaces"))).toEqual([
      "workspaces.dev.tokens_per_day  50",
      "workspaces.dev.tokens_per_day  50",
    ]);
  });

  it("tells once, however many replicas look", async () => {
    const { stage, told, replica } = setting();
    await stage.reserve({ as: "ann", input: 40, output: 10 });
    await Promise.all(Array.from({ length: 5 }, () => look(replica())));
    expect(told).toHaveLength(2);
  });

  it("tries again what failed, after a minute", async () => {
    const answers = ["it answered 500"];
    const { stage, told, failed, replica } = setting({ notify: async () => answers.pop() });
    await stage.reserve({ as: "ann", input: 40, output: 10 });
    const rounds = replica();
    await look(rounds);
    await look(rounds);
    expect(failed).toHaveLength(1);
    expect(told).toHaveLength(1);
    stage.clock.advance(60_000);
    await look(rounds);
    expect(told.toSorted()).toEqual(["roles.developer.tokens_per_day ann 50", "workspaces.dev.tokens_per_day  50"]);
  });

  it("leaves looking to another for a while where it could tell nobody", async () => {
    const { stage, failed, replica, marks } = setting({ notify: async () => "it could not be reached" });
    const leads: number[] = [];
    const lead = () => {
      leads.push(stage.clock.now());
      return true;
    };
    const rounds = replica({ lead, take: marks.take.bind(marks), keep: marks.keep.bind(marks) });
    await stage.reserve({ as: "ann", input: 40, output: 10 });
    await look(rounds);
    expect(failed).toHaveLength(2);
    const [first = 0] = leads;
    for (const after of [29_999, 1]) {
      stage.clock.advance(after);
      await look(rounds);
    }
    expect(leads.map((at) => at - first)).toEqual([0, 30_000, 30_000]);
  });

  it("lets a target that hangs keep no other waiting, and ends without it", async () => {
    const dead = { ...ALERT, target: { ...ALERT.target, name: "dead" } };
    let end: (why: string) => void = () => undefined;
    const ended = new Promise<string>((resolve) => {
      end = resolve;
    });
    const notify: Notify = ({ target }) => (target.name === "dead" ? ended : Promise.resolve(undefined));
    const { stage, told, replica, stopping } = setting({ notify, alerts: [dead, ALERT] });
    stopping.signal.addEventListener("abort", () => end("the service ends"));
    const rounds = replica();
    await stage.reserve({ as: "ann", input: 40, output: 10 });
    await rounds.run();
    await stage.reserve({ as: "bob", input: 20, output: 10 });
    await rounds.run();
    await rounds.run();
    expect(told).toContain("workspaces.dev.tokens_per_day  80");
    stopping.abort();
    await rounds.settled();
  });

  it("does nothing where another replica looks, or the store is away", async () => {
    const { stage, told, replica, marks } = setting();
    await stage.reserve({ as: "ann", input: 40, output: 10 });
    const others: AlertMarks = { lead: () => false, take: marks.take.bind(marks), keep: marks.keep.bind(marks) };
    await look(replica(others));
    await look(replica({ ...others, lead: () => ({ kind: "away", cause: "silent" }) }));
    expect(told).toEqual([]);
  });
});
