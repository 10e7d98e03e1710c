import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { directory, POLICY, policyFile } from "../unit/commands/policy-files.js";

// What is built for the test finds its packages from there, as the package does in a place of its own.
const CACHE = "node_modules/.cache";
let built: string;
let main: string;

beforeAll(() => {
  mkdirSync(CACHE, { recursive: true });
  built = mkdtempSync(join(CACHE, "cli-"));
  main = join(built, "dist/main.js");
  const tsc = ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json", "--outDir", join(built, "dist")];
  const { stdout } = spawnSync(process.execPath, tsc, { encoding: "utf8" });
  if (!existsSync(main)) throw new Error(stdout);
  copyFileSync("package.json", join(built, "package.json"));
  copyFileSync("src/gen/descriptors.binpb", join(built, "dist/gen/descriptors.binpb"));
  cpSync("dist/page", join(built, "dist/page"), { recursive: true });
}, 120_000);
afterAll(() => rmSync(built, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function windbreak(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env["PATH"], ...env } };
    const child = execFile(process.execPath, [main, ...args], options, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

/** Start a server on sockets of its own. Resolves once it serves. */
async function serving() {
  const home = directory();
  const env = {
    WINDBREAK_POLICY: policyFile(),
    WINDBREAK_LISTEN: `unix:${join(home, "windbreak.sock")}`,
    WINDBREAK_ADMIN: `unix:${join(home, "admin.sock")}`,
  };
  const child = spawn(process.execPath, [main, "serve"], { env, stdio: ["ignore", "ignore", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let log = "";
  await new Promise<void>((resolve, reject) => {
    child.stderr.on("data", (chunk: Buffer) => {
      log += chunk;
      if (log.includes("is in force")) resolve();
    });
    child.once("exit", () => reject(new Error(log)));
  });
  return { child, asking: { WINDBREAK_SERVER: env.WINDBREAK_LISTEN, WINDBREAK_ADMIN_SERVER: env.WINDBREAK_ADMIN } };
}

describe("the program", () => {
  test("can be run by its first line", () => {
    const { stdout } = spawnSync("head", ["-n", "1", main], { encoding: "utf8" });
    expect(stdout).toBe("#!/usr/bin/env node\n");
  });

  test("ends with the exit code of its command", async () => {
    expect(await windbreak(["--version"])).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+/), stderr: "" });
    expect((await windbreak(["policy", "check", policyFile("version: 2\n")])).code).toBe(1);
    expect((await windbreak(["polcy"])).code).toBe(2);
    expect((await windbreak(["health"], { WINDBREAK_SERVER: "unix:/no/such.sock" })).code).toBe(3);
  });

  test("reads its variables from the environment", async () => {
    const { code, stderr } = await windbreak(["serve"], { WINDBREAK_LISTEN: "nowhere" });
    expect(code).toBe(2);
    expect(stderr).toContain("WINDBREAK_LISTEN nowhere: no address to listen on; ");
  });

  test("runs suites beside the policy that they name", async () => {
    const home = directory();
    writeFileSync(join(home, "policy.yaml"), POLICY);
    const suite = (limit: string) => `policy: policy.yaml
cases:
  - name: a month ends with its money
    given: { workspaces.dev.usd_per_month: 50 }
    request: { principal: ada, role: developer, workspace: dev, model: codestral-latest }
    expect: { decision: deny, limit: ${limit} }
`;
    const files = [
      ["right.yaml", "workspaces.dev.usd_per_month"],
      ["wrong.yaml", "organization.usd_per_month"],
      ["faulty.yaml", "workspaces.dev.usd_per_moon"],
    ] as const;
    const [right = "", wrong = "", faulty = ""] = files.map(([name, limit]) => {
      writeFileSync(join(home, name), suite(limit));
      return join(home, name);
    });
    const junit = join(home, "results.xml");
    expect(await windbreak(["policy", "test", right, "--junit", junit])).toMatchObject({ code: 0, stderr: "" });
    expect(readFileSync(junit, "utf8")).toContain('<testsuites name="windbreak policy test" tests="1" failures="0"');
    const failed = await windbreak(["policy", "test", right, wrong]);
    expect([failed.code, failed.stderr]).toEqual([1, ""]);
    expect(failed.stdout).toMatch(/limit +organization\.usd_per_month +workspaces\.dev\.usd_per_month\n/);
    const untold = await windbreak(["policy", "test", faulty]);
    expect([untold.code, untold.stdout]).toEqual([2, ""]);
    expect(untold.stderr).toMatch(/faulty\.yaml:6:38: .*; did you mean workspaces\.dev\.usd_per_month\?\n$/);
    expect((await windbreak(["policy", "test"])).code).toBe(2);
  });

  test("compares a policy with one that is piped in", () => {
    const file = policyFile();
    const compare = (input: string) =>
      spawnSync(process.execPath, [main, "policy", "diff", file, "-", "--exit-code"], { encoding: "utf8", input });
    expect(compare(`# The same.\n${POLICY}`).status).toBe(0);
    const moved = compare(POLICY.replace("usd_per_month: 50", "usd_per_month: 80"));
    expect(moved.status).toBe(1);
    expect(moved.stdout).toMatch(/\+ +workspaces\.dev +usd_per_month +\$50\.00 +\$80\.00\n/);
    expect(compare("version: 2\n").status).toBe(2);
  });

  test("is quiet where its reader stops reading", async () => {
    const child = spawn(process.execPath, [main, "policy", "schema"], { stdio: ["ignore", "pipe", "pipe"] });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk;
    });
    child.stdout.destroy();
    expect(await once(child, "close")).toEqual([0, null]);
    expect(stderr).toBe("");
  });

  test.skipIf(!existsSync("/dev/full"))("says that its answer is lost where stdout takes nothing", () => {
    const full = openSync("/dev/full", "w");
    onTestFinished(() => closeSync(full));
    const told = spawnSync(process.execPath, [main, "policy", "schema"], {
      encoding: "utf8",
      stdio: ["ignore", full, "pipe"],
    });
    expect([told.status, told.stderr]).toEqual([
      3,
      "stdout: cannot be written to (ENOSPC); make room there, or write elsewhere\n",
    ]);
    const untold = spawnSync(process.execPath, [main, "policy", "schema"], { stdio: ["ignore", full, full] });
    expect(untold.status).toBe(3);
  });

  test.skipIf(!existsSync("/dev/full"))("serves on where its log takes nothing", async () => {
    const full = openSync("/dev/full", "w");
    onTestFinished(() => closeSync(full));
    const home = directory();
    const file = policyFile();
    const socket = join(home, "windbreak.sock");
    const asking = { WINDBREAK_SERVER: `unix:${socket}` };
    const env = { WINDBREAK_POLICY: file, WINDBREAK_LISTEN: `unix:${socket}`, WINDBREAK_ADMIN: "off" };
    const child = spawn(process.execPath, [main, "serve"], { env, stdio: ["ignore", full, full] });
    onTestFinished(() => void child.kill("SIGKILL"));
    const until = async (met: () => Promise<boolean>) => {
      while (!(await met())) if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    };
    await until(async () => (await windbreak(["health"], asking)).code === 0);

    const revision = async () =>
      JSON.parse((await windbreak(["usage", "--principal", "search-service", "--json"], asking)).stdout)
        .policy_revision;
    const before = await revision();
    writeFileSync(file, `${POLICY}# another\n`);
    child.kill("SIGHUP");
    await until(async () => (await revision()) !== before);

    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  test("serves, answers and ends", async () => {
    const { child, asking } = await serving();
    expect((await windbreak(["health"], asking)).stdout).toBe("SERVING\n");
    const call = ["--principal", "search-service", "--model", "mistral-embed", "--input-tokens", "800"];
    expect((await windbreak(["authorize", ...call], asking)).stdout).toMatch(/^allowed: mistral-embed-2312, /);
    expect((await windbreak(["usage"], asking)).stdout).toContain("principals.search-service");

    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
    expect((await windbreak(["health"], asking)).code).toBe(3);
  });
});

describe("what is loaded", () => {
  const heavy = ["@opentelemetry", "zod", "yaml", "lru-cache"];

  test.each([
    ["health", heavy],
    ["--help", [...heavy, "@grpc", "@bufbuild"]],
  ])("by %s is nothing that it does not need", async (argument, packages) => {
    const env = { NODE_DEBUG: "esm,module", WINDBREAK_SERVER: "unix:/no/such.sock" };
    const { stderr } = await windbreak([argument], env);
    const loads = (name: string) => stderr.includes(`node_modules/${name}/`);
    expect(loads("commander")).toBe(true);
    expect(packages.filter(loads)).toEqual([]);
  });
});
