import { expect, it } from "vitest";
import { type FaultProxy, startProxy } from "../support/fault-proxy.js";
import { askUntil } from "../support/redis/deadlines.js";
import { describeWith } from "../support/redis/describe-with.js";
import { type RedisServer, startRedis } from "../support/redis/redis-server.js";
import { POLICY, principal, question } from "./redis-calls.js";
import { type SharedService, startShared } from "./redis-service.js";

const LONG = process.env["WINDBREAK_LONG_TESTS"] === "1";
const TIMEOUT_MS = 50;
/** What a call may take beyond the store's timeout: what is promised, and for a busy machine more. */
const SLACK_MS = LONG ? 5 : 150;
const CALLERS = 5;
const CALLS_EACH = LONG ? 400 : 60;

interface Stage {
  readonly server: RedisServer;
  readonly proxy: FaultProxy;
}

const FAILURES: readonly { readonly name: string; readonly breakIt: (stage: Stage) => Promise<unknown> }[] = [
  { name: "paused", breakIt: ({ server }) => server.kill("SIGSTOP") },
  { name: "killed", breakIt: ({ server }) => server.kill("SIGKILL") },
  { name: "slow", breakIt: ({ proxy }) => proxy.delay(200) },
  { name: "half open", breakIt: ({ proxy }) => proxy.halfOpen() },
  { name: "cut in mid-reply", breakIt: ({ proxy }) => proxy.cutAfter(3) },
];

async function started() {
  const server = await startRedis();
  const proxy = await startProxy(server);
  const service = await startShared(POLICY, `redis://127.0.0.1:${proxy.port}`, { timeoutMs: TIMEOUT_MS });
  // What runs for the first time is slow for reasons that are not the store's, and a script is sent whole.
  const { reservation_id } = await service.client.authorize(question({ role: "free" }));
  await service.post("/v1/reservations/release", { reservation_id });
  await times(service, 200);
  return { server, proxy, service };
}

/** Ask by many callers, each again once it has its answer, for so many answers. @returns how long each took, sorted. */
async function times({ client }: SharedService, calls: number): Promise<readonly number[]> {
  const took: number[] = [];
  const ask = async () => {
    for (let call = 0; call < calls / CALLERS; call += 1) {
      const begun = performance.now();
      await client.authorize(question({ role: "free" }));
      took.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, ask));
  return took.sort((a, b) => a - b);
}

function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.ceil(sorted.length * part) - 1] ?? Number.NaN;
}

describeWith(["redis-server"], "while the store is away", () => {
  it.each(FAILURES)("($name) every answer comes within the store's timeout", async ({ name, breakIt }) => {
    const { server, proxy, service } = await started();
    await breakIt({ server, proxy });
    const took = await times(service, CALLERS * CALLS_EACH);
    const [p50, p99, most] = [0.5, 0.99, 1].map((part) => percentile(took, part));
    console.log(`${name}: p50 ${p50?.toFixed(1)}, p99 ${p99?.toFixed(1)}, most ${most?.toFixed(1)} ms`);
    expect(p99).toBeLessThanOrEqual(TIMEOUT_MS + SLACK_MS);
    expect(service.told()).toEqual({ down: 1, up: 1 });
  });

  it.each(FAILURES.filter(({ name }) => name !== "killed" && name !== "paused"))(
    "($name) hardly anything is sent, however much is asked",
    async ({ breakIt, name }) => {
      const { server, proxy, service } = await started();
      await breakIt({ server, proxy });
      await askUntil(
        3_000,
        () => service.client.authorize(question()).then(() => service.told().down),
        (down) => down === 1,
      );
      const sent = () => proxy.bytes.toServer + proxy.bytes.swallowed;
      const [accepted, bytes, begun] = [proxy.connections.accepted, sent(), performance.now()];
      let asked = 0;
      while (performance.now() - begun < 500) asked += (await times(service, CALLERS)).length;
      const seconds = (performance.now() - begun) / 1_000;
      const sentBytes = sent() - bytes;
      console.log(`${name}: ${asked} calls in ${seconds.toFixed(1)} s, ${sentBytes} bytes sent`);
      expect(asked).toBeGreaterThan(50);
      expect(proxy.connections.accepted - accepted).toBeLessThanOrEqual(6 * seconds + 1);
      // Probes, and what gives back what was answered late. A call is more than 300 bytes.
      expect(sentBytes).toBeLessThanOrEqual(3_000 * seconds + 1_000);
    },
  );
});

describeWith(["redis-server"], "a store whose every answer comes a little too late", () => {
  it("is taken for down, rather than asked for ever", async () => {
    const { proxy, service } = await started();
    await proxy.delay(40);
    const dryRun = { ...question({ role: "free" }), dry_run: true };
    await askUntil(
      3_000,
      () => service.client.authorize(dryRun).then(() => service.told().down),
      (down) => down === 1,
    );
  });
});

describeWith(["redis-server"], "a store that answers nobody, while nobody asks", () => {
  it("is taken for down by what the service asks of itself", async () => {
    const { server, service } = await started();
    await server.kill("SIGSTOP");
    await askUntil(
      3_000,
      async () => service.told(),
      ({ down }) => down === 1,
    );
    expect(JSON.parse((await service.get("/readyz")).text)).toMatchObject({ store: "down" });
  });
});

describeWith(["redis-server"], "usage without a reservation, at a store that is slow but in time", () => {
  it("takes its three steps, each within the store's timeout, and is charged", async () => {
    const { proxy, service } = await started();
    await service.client.recordUsage({
      request_id: "r",
      principal: principal(),
      model: "even",
      usage: { input_tokens: 1 },
    });
    // Each of settle, charge and read takes most of the time alone.
    await proxy.delay(15);
    const took: number[] = [];
    for (let call = 0; call < 5; call += 1) {
      const begun = performance.now();
      const report = { request_id: `r${call}`, principal: principal(), model: "even", usage: { input_tokens: 1 } };
      expect(await service.client.recordUsage(report)).toMatchObject({ unreserved: true });
      took.push(performance.now() - begun);
    }
    took.sort((a, b) => a - b);
    console.log(`RecordUsage, unreserved, 30 ms a step: p50 ${percentile(took, 0.5).toFixed(0)} ms`);
    expect(percentile(took, 0.5)).toBeLessThanOrEqual(3 * TIMEOUT_MS);
  });
});
