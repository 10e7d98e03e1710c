import { status } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { startProxy } from "../support/fault-proxy.js";
import { askUntil } from "../support/redis/deadlines.js";
import { describeWith } from "../support/redis/describe-with.js";
import { startRedis } from "../support/redis/redis-server.js";
import { POLICY, principal, question, standing } from "./redis-calls.js";
import { startShared } from "./redis-service.js";
import { statusOf } from "./running-service.js";

const LONG = process.env["WINDBREAK_LONG_TESTS"] === "1";
/** Until nothing is held for nobody: at the latest ten seconds after the store is there again. */
const GIVEN_BACK_MS = 14_000;
const AWAY = { allowed: false, reason: "REASON_STORE_UNAVAILABLE" };

/** One service through a proxy, and another that reaches the same Redis as it is. */
async function started({ timeoutMs = 50 } = {}) {
  const server = await startRedis();
  const proxy = await startProxy(server);
  const far = await startShared(POLICY, `redis://127.0.0.1:${proxy.port}`, { timeoutMs });
  const near = await startShared(POLICY, server.url, { timeoutMs: 2_000 });
  // What is cut or delayed is then no answer that a script is not known yet.
  const { reservation_id } = await far.client.authorize(question({ id: "zoe" }));
  await far.client.recordUsage({ reservation_id, usage: { input_tokens: 1 } });
  const held = async () => (await standing(near.client)).reserved;
  const heldIs = (count: number) => askUntil(GIVEN_BACK_MS, held, (reserved) => reserved === count);
  return { server, proxy, far, near, held, heldIs };
}

describeWith(["redis-server"], "a reservation that its caller was not told of", () => {
  it("is given back when the answer comes late", async () => {
    const { proxy, far, heldIs } = await started();
    await proxy.delay(100);
    expect(await far.client.authorize(question())).toMatchObject(AWAY);
    await heldIs(1);
    await proxy.pass();
    await heldIs(0);
    await askUntil(
      2_000,
      () => far.client.authorize(question({}, "r1")),
      ({ allowed }) => allowed,
    );
  });

  it("is given back when the connection is cut between what the script did and its answer", async () => {
    const { proxy, far, heldIs } = await started();
    await proxy.cutAfter(0);
    const calls = Array.from({ length: 5 }, () => far.client.authorize(question()));
    for (const answer of await Promise.all(calls)) expect(answer).toMatchObject(AWAY);
    await heldIs(5);
    await proxy.pass();
    const passed = performance.now();
    await heldIs(0);
    console.log(`in doubt: given back ${Math.round(performance.now() - passed)} ms after the network is well`);
    expect(await far.metric("windbreak_reservations_in_doubt")).toBe(0);
  });

  it("is given back when the server was paused before it read the call", async () => {
    const { server, proxy, far, held } = await started();
    await server.kill("SIGSTOP");
    const { accepted } = proxy.connections;
    for (let call = 0; call < 5; call += 1) expect(await far.client.authorize(question())).toMatchObject(AWAY);
    // Until the service has given up the connection by which it asked.
    await askUntil(
      5_000,
      async () => proxy.connections.accepted,
      (count) => count > accepted,
    );
    await server.kill("SIGCONT");
    const resumed = performance.now();
    await far.isUp(true);
    await askUntil(
      GIVEN_BACK_MS,
      () => far.metric("windbreak_reservations_in_doubt"),
      (count) => count === 0,
    );
    expect(await held()).toBe(0);
    console.log(`in doubt at a pause: given back ${Math.round(performance.now() - resumed)} ms after it`);
  });

  // What was not found is looked for once more after ten seconds.
  it.runIf(LONG)("is not in doubt for good when its release came late too", async () => {
    const { proxy, far, heldIs } = await started();
    await proxy.delay(60);
    expect(await far.client.authorize(question())).toMatchObject(AWAY);
    await heldIs(1);
    await heldIs(0);
    await proxy.pass();
    await far.isUp(true);
    await askUntil(
      GIVEN_BACK_MS,
      () => far.metric("windbreak_reservations_in_doubt"),
      (count) => count === 0,
    );
  });

  it("is not taken from a caller who was told of it elsewhere when the first answer comes late", async () => {
    const { proxy, far, near, held, heldIs } = await started();
    await proxy.delay(150);
    expect(await far.client.authorize(question({}, "r1"))).toMatchObject(AWAY);
    await heldIs(1);
    const again = await near.client.authorize(question({}, "r1"));
    expect(again).toMatchObject({ allowed: true, degraded: false });
    await proxy.pass();
    const { toServer } = proxy.bytes;
    // The late answer and whatever follows it have passed once a call made after them is answered.
    await askUntil(
      5_000,
      () => far.client.authorize(question({ id: "bob" })),
      ({ allowed }) => allowed,
    );
    expect(proxy.bytes.toServer).toBeGreaterThan(toServer);
    expect(await held()).toBe(1);
    const { reservation_id } = again;
    const recorded = await near.client.recordUsage({ reservation_id, usage: { input_tokens: 1 } });
    expect(recorded).toMatchObject({ already_recorded: false, unreserved: false });
  });

  it("is not taken from a caller who was told of it elsewhere when the first connection was cut", async () => {
    const { proxy, far, near, held, heldIs } = await started();
    await proxy.cutAfter(0);
    expect(await far.client.authorize(question({}, "r1"))).toMatchObject(AWAY);
    await heldIs(1);
    expect(await near.client.authorize(question({}, "r1"))).toMatchObject({ allowed: true, degraded: false });
    await proxy.pass();
    await far.isUp(true);
    await askUntil(
      GIVEN_BACK_MS,
      () => far.metric("windbreak_reservations_in_doubt"),
      (count) => count === 0,
    );
    expect(await held()).toBe(1);
  });
});

describeWith(["redis-server"], "a caller who cancels", () => {
  it("leaves nothing reserved", async () => {
    const { proxy, far, heldIs } = await started({ timeoutMs: 2_000 });
    await proxy.delay(50);
    const call = far.client.authorizeCall(question());
    const refused = expect(call.answer).rejects.toMatchObject({ code: status.CANCELLED });
    await heldIs(1);
    call.cancel();
    await refused;
    await heldIs(0);
  });

  it("leaves nothing reserved when the store goes away before it is given back", async () => {
    const { proxy, far, heldIs } = await started({ timeoutMs: 1_000 });
    await proxy.delay(200);
    const call = far.client.authorizeCall(question());
    const refused = expect(call.answer).rejects.toMatchObject({ code: status.CANCELLED });
    await heldIs(1);
    call.cancel();
    await refused;
    const { toClient } = proxy.bytes;
    // The answer has come, and what gives back is under way.
    await askUntil(
      2_000,
      async () => proxy.bytes.toClient,
      (bytes) => bytes > toClient,
    );
    await proxy.halfOpen();
    proxy.cutAll();
    await far.isUp(false);
    await proxy.pass();
    await far.isUp(true);
    await heldIs(0);
  });

  it("does not take back what it was told of before, by a call that asks the same again", async () => {
    const { proxy, far, near, held } = await started({ timeoutMs: 2_000 });
    const told = await near.client.authorize(question({}, "r1"));
    expect(told).toMatchObject({ allowed: true });
    await proxy.delay(100);
    const again = far.client.authorizeCall(question({}, "r1"));
    const refused = expect(again.answer).rejects.toMatchObject({ code: status.CANCELLED });
    const { toServer } = proxy.bytes;
    await askUntil(
      2_000,
      async () => proxy.bytes.toServer,
      (bytes) => bytes > toServer,
    );
    again.cancel();
    await refused;
    for (const id of ["bob", "bill"]) expect((await far.client.authorize(question({ id }))).allowed).toBe(true);
    expect(await held()).toBe(1);
  });

  it("does not take a reservation from one who was told of it elsewhere", async () => {
    const { proxy, far, near, held, heldIs } = await started({ timeoutMs: 2_000 });
    await proxy.delay(100);
    const call = far.client.authorizeCall(question({}, "r1"));
    const refused = expect(call.answer).rejects.toMatchObject({ code: status.CANCELLED });
    await heldIs(1);
    expect(await near.client.authorize(question({}, "r1"))).toMatchObject({ allowed: true });
    call.cancel();
    await refused;
    // The first answer has come, and what was sent after it has arrived, once two more calls are answered.
    for (const id of ["bob", "bill"]) expect((await far.client.authorize(question({ id }))).allowed).toBe(true);
    expect(await held()).toBe(1);
  });
});

describeWith(["redis-server"], "usage that is recorded around an absence of the store", () => {
  it("is charged once when it is sent again after its first answer was lost", async () => {
    const { proxy, far, near } = await started();
    const { reservation_id } = await far.client.authorize(question());
    const report = { reservation_id, usage: { input_tokens: 1 } };
    await proxy.cutAfter(0);
    expect((await statusOf(far.client.recordUsage(report))).code).toBe(status.UNAVAILABLE);
    await askUntil(
      2_000,
      () => standing(near.client),
      ({ used }) => used === 1,
    );
    await proxy.pass();
    await far.isUp(true);
    expect(await far.client.recordUsage(report)).toMatchObject({ already_recorded: true, unreserved: false });
    expect(await standing(near.client)).toMatchObject({ used: 1, reserved: 0 });
  });

  it("of a call that was allowed without the store is charged once to whom it names", async () => {
    const { proxy, far, near } = await started();
    await proxy.halfOpen();
    const who = { workspace: "lenient" } as const;
    const allowed = await far.client.authorize(question(who));
    expect(allowed).toMatchObject({ allowed: true, degraded: true });
    await proxy.pass();
    proxy.cutAll();
    await far.isUp(false);
    await far.isUp(true);
    const { reservation_id } = allowed;
    const report = { reservation_id, principal: principal(who), model: "even", usage: { input_tokens: 1 } };
    expect(await far.client.recordUsage(report)).toMatchObject({ already_recorded: false, unreserved: true });
    expect(await near.client.recordUsage(report)).toMatchObject({ already_recorded: true, unreserved: true });
    expect(await standing(near.client, who)).toMatchObject({ used: 1, reserved: 0 });
  });
});
