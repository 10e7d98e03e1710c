import { describe, expect, it } from "vitest";
import type { Entry } from "../../../../src/telemetry/decisions/entry.js";
import type { GivenUp, Outlet } from "../../../../src/telemetry/decisions/outlet.js";
import { QueuedDecisionLog } from "../../../../src/telemetry/decisions/queued-decision-log.js";
import { eventually } from "../../../support/eventually.js";
import { allowed, denied, settled } from "./told-facts.js";

/** An outlet that takes, fails or hangs as the test says. */
class Hand implements Outlet {
  readonly written: Entry[] = [];
  failure: Error | undefined;
  /** Why it gives up all that it is handed. */
  refusal: Error | undefined;
  hangs = false;
  closed = false;
  #gathered: Entry[] = [];

  get isFull(): boolean {
    return this.#gathered.length >= 100;
  }

  add(entry: Entry): void {
    this.#gathered.push(entry);
  }

  async flush(): Promise<GivenUp | undefined> {
    if (this.hangs) await new Promise(() => {});
    if (this.failure) throw this.failure;
    const gathered = this.#gathered;
    this.#gathered = [];
    if (this.refusal) return { count: gathered.length, cause: this.refusal };
    this.written.push(...gathered);
    return undefined;
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

function openLog({ share = 1, most = 1_000 } = {}) {
  const hand = new Hand();
  const changes: (string | undefined)[] = [];
  const failures: unknown[] = [];
  const log = new QueuedDecisionLog({
    outlet: hand,
    clock: { now: () => 0 },
    share,
    most,
    gatherMs: 1,
    retryMs: 5,
    changed: (cause) => changes.push(cause?.message),
    failed: (cause) => failures.push(cause),
  });
  return { log, hand, changes, failures };
}

const FULL = new Error("the disk is full");

describe("the decision log", () => {
  it("hands on all that it was told, in order", async () => {
    const { log, hand, failures } = openLog({ most: 10_000 });
    const facts = Array.from({ length: 5_000 }, (_, index) => allowed(`res-${index}`));
    for (const one of facts) log.decided(one);
    log.settled(settled("res-1"));
    log.released({ reservationId: "res-2", why: "operator" });
    await eventually(async () => expect(log.facts().waiting).toBe(0));
    expect(hand.written.slice(0, 5_000).map((entry) => entry.facts)).toEqual(facts);
    expect(hand.written.slice(5_000).map(({ kind }) => kind)).toEqual(["settlement", "release"]);
    expect(log.facts()).toEqual({ waiting: 0, written: 5_002, dropped: { queueFull: 0, writeFailed: 0 } });
    expect(failures).toEqual([]);
  });

  it("drops and counts what there is no room for, and keeps what it has", async () => {
    const { log, hand } = openLog({ most: 10 });
    for (let index = 0; index < 25; index++) log.decided(allowed(`res-${index}`));
    await eventually(async () => expect(log.facts().waiting).toBe(0));
    expect(hand.written).toHaveLength(10);
    expect(log.facts().dropped).toEqual({ queueFull: 15, writeFailed: 0 });
    log.decided(allowed());
    await eventually(async () => expect(log.facts().written).toBe(11));
  });

  it("tries again until its outlet takes it, says so once a change, and loses nothing that it has room for", async () => {
    const { log, hand, changes } = openLog({ most: 10 });
    hand.failure = FULL;
    for (let index = 0; index < 10; index++) log.decided(allowed(`res-${index}`));
    await eventually(async () => expect(changes).toEqual(["the disk is full"]));
    log.decided(denied());
    expect(log.facts().dropped).toEqual({ queueFull: 0, writeFailed: 1 });
    hand.failure = undefined;
    await eventually(async () => expect(log.facts().written).toBe(10));
    expect(changes).toEqual(["the disk is full", undefined]);
    expect(hand.written.map(({ kind }) => kind)).toEqual(Array(10).fill("decision"));
  });

  it("counts what its outlet gives up, says why, and goes on", async () => {
    const { log, hand, changes } = openLog();
    hand.refusal = new Error("no such field");
    log.decided(allowed("res-1"));
    await eventually(async () => expect(changes).toEqual(["no such field"]));
    hand.refusal = undefined;
    log.decided(allowed("res-2"));
    await eventually(async () => expect(changes).toEqual(["no such field", undefined]));
    expect(log.facts()).toEqual({ waiting: 0, written: 1, dropped: { queueFull: 0, writeFailed: 1 } });
  });

  it("writes what waits when it is closed, and closes its outlet", async () => {
    const { log, hand } = openLog();
    log.decided(allowed());
    expect(await log.close(1_000)).toEqual({ lost: 0, hangs: false });
    expect(hand.written).toHaveLength(1);
    expect(hand.closed).toBe(true);
  });

  it("counts what it could not write in time, and does not wait for a write that hangs", async () => {
    const { log, hand } = openLog();
    hand.hangs = true;
    log.decided(allowed());
    expect(await log.close(20)).toEqual({ lost: 1, hangs: true });
    expect(log.facts()).toEqual({ waiting: 0, written: 0, dropped: { queueFull: 0, writeFailed: 1 } });
  });

  it("does not try again once it is closed", async () => {
    const { log, hand } = openLog();
    hand.failure = FULL;
    log.decided(allowed());
    expect(await log.close(1_000)).toEqual({ lost: 1, hangs: false });
  });

  it("tells what nobody expected, and goes on", async () => {
    const { log, hand, failures } = openLog();
    const broken = new TypeError("broken");
    const add = hand.add.bind(hand);
    hand.add = () => {
      hand.add = add;
      throw broken;
    };
    log.decided(allowed("res-1"));
    await eventually(async () => expect(failures).toEqual([broken]));
    log.decided(allowed("res-2"));
    await eventually(async () => expect(hand.written).toHaveLength(1));
  });
});

describe("a sample of decisions", () => {
  const ids = Array.from({ length: 400 }, (_, index) => `res-${index}`);

  it("keeps the settlement and the release of each that it keeps, and no others", async () => {
    const { log, hand } = openLog({ share: 0.2, most: 10_000 });
    for (const id of ids) log.decided(allowed(id));
    for (const id of ids) log.settled(settled(id));
    for (const id of ids) log.released({ reservationId: id, why: "operator" });
    await log.close(1_000);
    const kept = (kind: Entry["kind"]) => hand.written.filter((entry) => entry.kind === kind).map(idOf);
    expect(kept("decision").length).toBeGreaterThan(40);
    expect(kept("decision").length).toBeLessThan(130);
    expect(kept("settlement")).toEqual(kept("decision"));
    expect(kept("release")).toEqual(kept("decision"));
  });

  it("keeps every denial, every degraded one, and settlements that cannot be paired", async () => {
    const { log, hand } = openLog({ share: 0 });
    log.decided(denied());
    log.decided(allowed("res-1", { degraded: true }));
    log.settled(settled("res-1", { unreserved: true }));
    log.settled(settled(""));
    log.decided(allowed("res-2"));
    log.settled(settled("res-2"));
    await log.close(1_000);
    expect(hand.written).toHaveLength(4);
  });
});

function idOf({ kind, facts }: Entry): string {
  if (kind === "release") return facts.reservationId;
  if (kind === "settlement") return facts.call.reservationId;
  return facts.answer.kind === "allowed" ? facts.answer.grant.reservationId : "";
}
