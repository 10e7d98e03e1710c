import { describe, expect, it } from "vitest";
import type { Decided } from "../../../../src/app/decision-log.js";
import { Activity } from "../../../../src/telemetry/activity/activity.js";
import { allowed, denied, settled } from "../decisions/told-facts.js";

const START = 1_700_000_000_000;

function watched() {
  let at = START;
  const activity = new Activity({ now: () => at });
  const later = (ms: number) => {
    at += ms;
  };
  return { activity, later };
}

function of(principal: string, facts: Decided = allowed()): Decided {
  return { ...facts, caller: { ...facts.caller, principal } };
}

describe("activity", () => {
  it("counts decisions by outcome and second, and dry runs not", () => {
    const { activity, later } = watched();
    activity.decided(allowed());
    activity.decided(denied());
    activity.decided(allowed("res-2", { dryRun: true }));
    later(1_000);
    for (const span of ["5m", "1h"] as const) expect(activity.rates(span).stepMs).toBe(span === "5m" ? 1_000 : 10_000);
    const { counts, from } = activity.rates("5m");
    expect(from).toBe(START - 299_000);
    expect([...counts.keys()]).toEqual(["allowed", "model_not_allowed"]);
    expect(counts.get("allowed")?.at(-1)).toBe(1);
  });

  it("tells denials after a number, the latest first, and the latest 200 at the most", () => {
    const { activity, later } = watched();
    for (let count = 0; count < 250; count++) {
      activity.decided(of(`p${count}`, denied()));
      later(1);
    }
    const all = activity.denials(0);
    expect(all.map(({ caller }) => caller.principal)).toEqual(Array.from({ length: 200 }, (_, i) => `p${249 - i}`));
    expect(all[0]).toMatchObject({ at: START + 249, reason: "model_not_allowed", message: "no", httpStatus: 403 });
    expect(activity.denials(all[2]?.number ?? 0)).toEqual(all.slice(0, 2));
    expect(activity.denials(all[0]?.number ?? 0)).toEqual([]);
  });

  it("numbers the denials of a later process higher", () => {
    const before = watched().activity;
    before.decided(denied());
    const after = new Activity({ now: () => START + 5_000 });
    after.decided(denied());
    expect(after.denials(before.denials(0)[0]?.number ?? 0)).toHaveLength(1);
  });

  it("tells no key that a caller sent in place of a name", () => {
    const { activity } = watched();
    const key = "wb_01234567_abcdefghijklmnopqrstuvwxyz";
    activity.decided(of(key, denied({ model: key })));
    expect(JSON.stringify(activity.denials(0))).not.toContain("abcdefghijkl");
  });

  it("tells what happened to a principal, the latest first, as far as it remembers", () => {
    const { activity, later } = watched();
    for (let count = 0; count < 40; count++) activity.decided(allowed());
    later(5);
    activity.decided(denied());
    later(5);
    activity.settled(settled("res-1"));
    const told = activity.of("ann");
    expect(told?.caller).toEqual({ principal: "ann", role: "developer", workspace: "dev" });
    expect(told?.events).toHaveLength(32);
    expect(told?.events.slice(0, 3)).toEqual([
      {
        at: START + 10,
        outcome: "settled",
        workspace: "dev",
        model: "small-1",
        inputTokens: 10,
        outputTokens: 5,
        cost: 200,
      },
      {
        at: START + 5,
        outcome: "model_not_allowed",
        workspace: "dev",
        model: "small-1",
        inputTokens: 0,
        outputTokens: 0,
        cost: 0,
      },
      {
        at: START,
        outcome: "allowed",
        workspace: "dev",
        model: "small-1",
        inputTokens: 10,
        outputTokens: 20,
        cost: 300,
      },
    ]);
    expect(activity.of("bob")).toBeUndefined();
  });

  it("forgets principals of whom nothing comes before those who go on", () => {
    const { activity } = watched();
    for (let count = 0; count < 5_000; count++) {
      activity.decided(of(`p${count}`));
      activity.decided(of("steady"));
    }
    expect(activity.of("steady")?.events).toHaveLength(32);
    expect(activity.of("p4999")?.events).toHaveLength(1);
    expect(activity.of("p0")).toBeUndefined();
  });

  it("lets nobody whom the policy does not know push another's history out", () => {
    const { activity } = watched();
    activity.decided(allowed());
    for (let count = 0; count < 5_000; count++) activity.decided(of(`x${count}`, denied({ workspace: undefined })));
    expect(activity.of("ann")?.events).toHaveLength(1);
    expect(activity.of("x4999")).toBeUndefined();
  });
});
