import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import type { Decided, Released } from "../../src/app/decision-log.js";
import type { CounterStore, Reserve } from "../../src/app/ports.js";
import { Snapshot } from "../../src/app/snapshot.js";
import { MemoryStore } from "../../src/counters/memory/memory-store.js";
import { secureRandom24 } from "../../src/counters/memory/secure-random.js";
import { Calendar } from "../../src/domain/window.js";
import { declaredIdentity } from "../../src/identity/declared.js";
import { loadPolicy } from "../../src/policy/load-policy.js";
import { DECISION_SERVICE, decisionHandlers } from "../../src/transport/decision-service.js";
import { createDraining } from "../../src/transport/draining.js";
import { eventually } from "../support/eventually.js";
import { afterwards, connect } from "./running-service.js";

const POLICY = `
version: 1
workspaces: { dev: { models: ["*"], limits: { requests_per_day: 10 } } }
roles: { crew: { models: ["*"] } }
`;
const ada = { id: "ada", role: "crew", workspace: "dev" };
const call = { request_id: "r1", principal: ada, model: "mistral-small-latest", input_tokens: 1, max_output_tokens: 1 };

/** A store that is as far away as the test says: it reserves at once and answers when it is let. */
function distant(store: MemoryStore) {
  const waiting: (() => void)[] = [];
  const arrived: (() => void)[] = [];
  const far: CounterStore = {
    open: (caller) => store.open(caller),
    reserve: (reserve: Reserve) => {
      const result = store.reserve(reserve);
      for (const tell of arrived.splice(0)) tell();
      return new Promise((resolve) => waiting.push(() => resolve(result)));
    },
    settle: (settle) => store.settle(settle),
    charge: (charge) => store.charge(charge),
    release: (release) => Promise.resolve(store.release(release)),
    read: (...args) => Promise.resolve(store.read(...args)),
    counters: (page) => store.counters(page),
    reservations: (page, now) => store.reservations(page, now),
    totals: (page, now) => store.totals(page, now),
  };
  return {
    far,
    /** Let every waiting answer go. */
    answer: () => {
      for (const go of waiting.splice(0)) go();
    },
    /** The next question has arrived. */
    arrival: () => new Promise<void>((resolve) => arrived.push(resolve)),
  };
}

async function startDistant() {
  const loaded = loadPolicy(Buffer.from(POLICY), "policy.yaml");
  if (loaded.kind === "faulty") throw new Error("the test's policy is at fault");
  const store = new MemoryStore(secureRandom24());
  const { far, answer, arrival } = distant(store);
  const snapshot = new Snapshot(loaded.policy, new Calendar("UTC"), far);
  const failures: unknown[] = [];
  const logged: string[] = [];
  const desk = {
    identity: declaredIdentity(),
    store: far,
    clock: { now: () => Date.now() },
    log: {
      decided: (decided: Decided) => void logged.push(decided.reason),
      settled: () => {},
      released: ({ why }: Released) => void logged.push(why),
    },
    snapshot: () => snapshot,
    inventId: () => "invented",
  };
  const server = new Server();
  server.addService(
    DECISION_SERVICE,
    decisionHandlers({ desk, draining: createDraining(), timed: () => {}, failed: (cause) => failures.push(cause) }),
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  afterwards(() => server.forceShutdown());
  const client = connect(`127.0.0.1:${port}`);
  const reserved = async () => (await client.checkBudget({ principal: ada })).limits[0].reserved;
  return { client, answer, arrival, reserved, failures, logged };
}

describe("a caller who goes away before it is answered", () => {
  it("leaves nothing reserved, and its request_id is judged anew", async () => {
    const { client, answer, arrival, reserved, failures } = await startDistant();
    const cancelled = client.authorizeCall(call);
    const refused = expect(cancelled.answer).rejects.toMatchObject({ code: status.CANCELLED });
    await arrival();
    expect(await reserved()).toBe(1);
    cancelled.cancel();
    await refused;
    // The cancellation travels before this question does, on the same connection.
    expect(await reserved()).toBe(1);
    answer();
    expect(await reserved()).toBe(0);

    const again = client.authorize({ ...call, input_tokens: 2 });
    await arrival();
    answer();
    expect(await again).toMatchObject({ allowed: true, request_id: "r1" });
    expect(await reserved()).toBe(1);
    expect(failures).toEqual([]);
  });

  it("is in the log all the same, with what became of its reservation", async () => {
    const { client, answer, arrival, reserved, logged } = await startDistant();
    const cancelled = client.authorizeCall(call);
    const refused = expect(cancelled.answer).rejects.toMatchObject({ code: status.CANCELLED });
    await arrival();
    cancelled.cancel();
    await refused;
    expect(await reserved()).toBe(1);
    answer();
    await eventually(async () => expect(logged).toEqual(["allowed", "caller_gone"]));
  });

  it("leaves nothing reserved when its deadline passes meanwhile", async () => {
    const { client, answer, arrival, reserved } = await startDistant();
    const late = client.authorize(call, { deadline: new Date(Date.now() + 50) });
    const refused = expect(late).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
    await arrival();
    await refused;
    expect(await reserved()).toBe(1);
    answer();
    expect(await reserved()).toBe(0);
  });

  it("leaves nothing reserved for the questions of a stream that it cut", async () => {
    const { client, answer, arrival, reserved } = await startDistant();
    const stream = client.authorizeStream();
    stream.on("error", () => {});
    stream.write({ request: call });
    await arrival();
    const over = new Promise((resolve) => stream.once("status", resolve));
    stream.cancel();
    await over;
    expect(await reserved()).toBe(1);
    answer();
    expect(await reserved()).toBe(0);
  });

  it("keeps the reservation of a caller who was answered", async () => {
    const { client, answer, arrival, reserved } = await startDistant();
    const answered = client.authorize(call);
    await arrival();
    answer();
    expect(await answered).toMatchObject({ allowed: true });
    expect(await reserved()).toBe(1);
  });
});
