import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { apiKeyHashOf, apiKeyOf } from "../support/api-keys.js";
import { AdminServer, type LiveKey } from "../support/mistral/admin-server.js";
import { askUntil, inTime } from "../support/redis/deadlines.js";
import { describeWith } from "../support/redis/describe-with.js";
import { startRedis } from "../support/redis/redis-server.js";
import { connectEnvoy } from "./envoy-client.js";
import { policyFile, startProcess } from "./running-process.js";
import { temporaryDirectory } from "./running-service.js";

const LONG = process.env["WINDBREAK_LONG_TESTS"] === "1";
const DAY = 86_400_000;
const DEADLINE_MS = 30_000;
const EACH_SECOND = "* * * * * *";
const BY_KEY = { headers: { authorization: `Bearer ${apiKeyOf("ci")}` } };

const OLD: LiveKey = {
  id: "old-key",
  name: "dev-by-hand",
  secret: "MARKOLD-0123456789-abcdef",
  workspace: "w-dev",
  createdAt: Date.now() - 100 * DAY,
};

/** A policy, a keys file and a Mistral, where calls through Envoy are sent with the key that is rotated. */
async function stage() {
  const admin = await AdminServer.start({ keys: [{ ...OLD }] });
  const home = temporaryDirectory();
  const sink = join(home, "mistral-dev");
  writeFileSync(sink, OLD.secret, { mode: 0o600 });
  const keysFile = join(home, "keys.yaml");
  const adminKey = join(home, "admin-key");
  writeFileSync(adminKey, admin.adminKey, { mode: 0o600 });
  writeFileSync(
    keysFile,
    `version: 1
mistral: { url: "${admin.url}", api_url: "${admin.apiUrl}", key: { file: ${adminKey} }, timeout: 5s }
rotation: { every: 90d, propagate: 1s, grace: 1s }
upstream: { dev: { workspace: w-dev, owner: u1, name: dev-team, sink: { file: ${sink} } } }
`,
  );
  const policy = policyFile(`version: 1
organization: acme
workspaces: { dev: { models: ["*"], upstream_key: { file: ${sink} }, limits: { requests_per_month: 1000 } } }
roles: { crew: { models: ["*"] } }
principals: { ci: { role: crew, workspace: dev, credentials: [{ api_key_sha256: "${apiKeyHashOf("ci")}" }] } }
`);
  const start = async (name: string, flags: readonly string[]) => {
    const socket = `unix:${join(home, `${name}.sock`)}`;
    const rotation = ["--rotate", EACH_SECOND, "--keys", keysFile, "--listen-envoy", socket];
    const running = await startProcess("", {
      file: policy,
      flags: [...rotation, "--identity", "credential", ...flags],
    });
    const envoy = connectEnvoy(socket);
    return {
      ...running,
      /** Call Mistral through Envoy's door. @returns the status, and the key that the call goes on with. */
      call: async () => {
        const { status, headers } = await envoy.check(BY_KEY);
        return { status, secret: String(headers?.["authorization"] ?? "").replace("Bearer ", "") };
      },
    };
  };
  return { admin, home, sink, start };
}

type Running = Awaited<ReturnType<Awaited<ReturnType<typeof stage>>["start"]>>;

/** Call until the rotation is over. Every call goes on with a key that Mistral takes. @returns how many were made. */
async function callUntilRotated(admin: AdminServer, replicas: readonly Running[]): Promise<number> {
  let calls = 0;
  const look = async () => {
    for (const { call } of replicas) {
      const { status, secret } = await call();
      calls++;
      expect([status, admin.keys.some((key) => key.secret === secret)]).toEqual([0, true]);
    }
    return admin.keys.map(({ id }) => id);
  };
  await askUntil(DEADLINE_MS, look, (ids) => !ids.includes(OLD.id));
  return calls;
}

describeWith([], "a service that rotates keys", () => {
  it("replaces a key that is due while calls go on, keeps what was counted, and shows no secret", async () => {
    const { admin, home, sink, start } = await stage();
    const state = join(home, "state");
    const running = await start("one", ["--state", state]);
    const calls = await callUntilRotated(admin, [running]);
    const [made] = admin.keys;
    await running.line(new RegExp(`key of dev: key ${made?.id} is in force, and old-key revoked`));
    expect(readFileSync(sink, "utf8")).toBe(made?.secret);
    expect(admin.asked("create")).toBe(1);

    const limits = JSON.parse((await running.get("/v1/limits")).text).limits;
    const { used, reserved } = limits.find(({ name }: { name: string }) => name.endsWith("requests_per_month"));
    expect(Number(used) + Number(reserved)).toBe(calls);
    const { text: metrics } = await running.get("/metrics");
    expect(metrics).toContain('windbreak_key_rotations_total{outcome="done"} 1');
    expect(Number(/windbreak_key_age_seconds\{workspace="dev"\} (\S+)/.exec(metrics)?.[1])).toBeLessThan(60);

    const journal = readFileSync(join(state, "rotations/dev/rotation.json"), "utf8");
    expect(JSON.parse(journal)).toMatchObject({ step: "ended", outcome: "done", key: { id: made?.id } });
    running.kill("SIGTERM");
    const { code } = await running.ended();
    const said = [running.lines.join("\n"), metrics, journal].join("\n");
    expect(code).toBe(0);
    expect([OLD.secret, made?.secret, admin.adminKey].filter((secret) => said.includes(secret ?? "none"))).toEqual([]);
  });

  it("ends in time while Mistral's Admin API does not answer", async () => {
    const { admin, home, start } = await stage();
    admin.trouble("list", ...Array.from({ length: 8 }, () => ({ kind: "silence" }) as const));
    const running = await start("one", ["--state", join(home, "state")]);
    await askUntil(
      DEADLINE_MS,
      async () => admin.asked("list"),
      (asked) => asked > 0,
    );
    running.kill("SIGTERM");
    const { code } = await inTime(10_000, "the end of the service", running.ended());
    expect([code, running.lines.some((line) => line.includes("all calls finished"))]).toEqual([0, true]);
  });

  it.runIf(LONG)("goes on, at its start, with a rotation that a process before it was killed in", async () => {
    const { admin, home, start } = await stage();
    const state = join(home, "state");
    const first = await start("one", ["--state", state]);
    await first.line(/key of dev: made key/);
    first.kill("SIGKILL");
    await first.ended();
    const next = await start("two", ["--state", state]);
    await callUntilRotated(admin, [next]);
    await next.line(/key of dev: key \S+ is in force, and old-key(, \S+)? revoked/);
    expect(admin.keys).toHaveLength(1);
  });
});

describeWith(["redis-server"], "replicas that rotate keys", () => {
  it.runIf(LONG)("make one key together, and revoke the one before once none of them sends it", async () => {
    const { admin, start } = await stage();
    const redis = await startRedis();
    const replicas = [await start("one", ["--redis", redis.url]), await start("two", ["--redis", redis.url])];
    for (const { get } of replicas) {
      await askUntil(
        DEADLINE_MS,
        () => get("/readyz"),
        ({ text }) => JSON.parse(text).store === "up",
      );
    }
    await callUntilRotated(admin, replicas);
    expect([admin.asked("create"), admin.keys.length]).toEqual([1, 1]);
    const told = replicas.flatMap(({ lines }) => lines.filter((line) => line.includes("made key")));
    expect(told).toHaveLength(1);
  });
});
