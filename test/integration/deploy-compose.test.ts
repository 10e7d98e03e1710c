import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { laidOut } from "../support/deploy/laid-out.js";
import { DEPLOY } from "../support/deploy/render.js";
import { askUntil } from "../support/redis/deadlines.js";
import { describeWith } from "../support/redis/describe-with.js";
import { endAfterwards } from "../support/redis/ending.js";
import { freePort } from "../support/redis/free-port.js";
import { ServerProcess } from "../support/redis/server-process.js";
import { runToEnd, startCommand } from "./running-process.js";
import { connect, temporaryDirectory } from "./running-service.js";

const START_MS = 15_000;
const COMPOSE = join(DEPLOY, "compose");

interface Service {
  readonly command: readonly string[];
  readonly healthcheck: { readonly test: readonly string[] };
}
const { services }: { readonly services: Readonly<Record<"windbreak" | "redis", Service>> } = parse(
  readFileSync(join(COMPOSE, "compose.yaml"), "utf8"),
);

/** The files of a directory by their names. */
function filesIn(directory: string): Readonly<Record<string, string>> {
  return Object.fromEntries(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), "utf8")]));
}

/** Make the secrets of compose, for a Redis on a port of this machine. */
function makeSecrets(port: number): string {
  const secrets = join(temporaryDirectory(), "secrets");
  const env = { PATH: process.env["PATH"], MISTRAL_API_KEY: "mistral-key" };
  execFileSync("bash", [join(COMPOSE, "make-secrets"), secrets, `127.0.0.1:${port}`], { env, stdio: "pipe" });
  return secrets;
}

describeWith(["redis-server", "redis-cli"], "what compose starts", () => {
  it("comes to health by its own checks, Windbreak over a Redis that lets in nobody else", async () => {
    const port = await freePort();
    const secrets = makeSecrets(port);
    const { moved } = laidOut(temporaryDirectory(), {
      "/etc/windbreak/policy": filesIn(join(COMPOSE, "policy")),
      "/run/secrets": filesIn(secrets),
      "/run/windbreak": {},
      "/run/windbreak-envoy": {},
      "/var/lib/windbreak": {},
    });

    const directory = temporaryDirectory();
    const [server = "", ...flags] = services.redis.command.map((arg) => (arg === "/data" ? directory : moved(arg)));
    const redis = await ServerProcess.spawn(server, [...flags, "--port", `${port}`, "--bind", "127.0.0.1"], directory);
    endAfterwards(() => redis.kill("SIGKILL"));
    expect(await redis.beginning(/Ready to accept connections/, START_MS)).toMatchObject({ kind: "said" });
    const [, client = "", ...asked] = services.redis.healthcheck.test;
    expect(execFileSync(client, ["-p", `${port}`, ...asked], { encoding: "utf8" })).toBe("PONG\n");
    expect(execFileSync(client, ["-p", `${port}`, "GET", "x"], { encoding: "utf8" })).toMatch(/NOAUTH/);

    const args = services.windbreak.command.map((arg) => moved(arg).replace("0.0.0.0:9090", "127.0.0.1:0"));
    const { line, kill, ended } = startCommand(args);
    await line(/counters live in redis:\/\/127\.0\.0\.1/);
    await line(/listening for Envoy on unix:/);
    const [, , program, ...health] = services.windbreak.healthcheck.test;
    expect(program).toBe("/app/dist/main.js");
    await askUntil(
      START_MS,
      () => runToEnd(health.map(moved)),
      ({ code }) => code === 0,
    );
    const caller = connect(`unix:${moved("/run/windbreak/windbreak.sock")}`);
    const question = { model: "codestral-latest", input_tokens: 10, max_output_tokens: 10 };
    expect(await caller.authorize(question)).toMatchObject({ allowed: true, degraded: false });
    kill("SIGTERM");
    expect((await ended()).code).toBe(0);
  });

  it("has secrets that are made once, behind a directory of their owner's", async () => {
    const secrets = makeSecrets(6379);
    expect(statSync(secrets).mode & 0o777).toBe(0o700);
    const { redis_acl: acl = "", redis_url: url = "", ...others } = filesIn(secrets);
    expect(Object.keys(others).sort()).toEqual(["admin_token", "mistral_key"]);
    const password = /:([0-9a-f]{64})@/.exec(url)?.[1] ?? "";
    expect(acl).not.toContain(password);
    execFileSync("bash", [join(COMPOSE, "make-secrets"), secrets], { stdio: "pipe" });
    expect(filesIn(secrets)["redis_url"]).toBe(url);
  });
});
