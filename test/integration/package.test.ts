import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { inTime } from "../support/redis/deadlines.js";

const ROOT = join(import.meta.dirname, "../..");
const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const HOLDS = ["CHANGELOG.md", "LICENSE", "README.md", "deploy", "dist", "package.json", "proto"];
const INSTALL_MS = 120_000;
/** Each npx is two processes of Node more. */
const RUN_MS = 60_000;
const run = promisify(execFile);

const home = mkdtempSync(join(tmpdir(), "package-"));
afterAll(() => rmSync(home, { recursive: true }));
let held: readonly string[];

beforeAll(async () => {
  const packed = await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", home], { cwd: ROOT });
  const [tarball] = JSON.parse(packed.stdout);
  held = tarball.files.map(({ path }: { readonly path: string }) => path);
  const flags = [
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    "--prefix",
    join(home, "installed"),
  ];
  mkdirSync(join(home, "installed"));
  await run("npm", ["install", ...flags, join(home, tarball.filename)], { cwd: home });
}, INSTALL_MS);

/** Run the installed command as its user would, from a folder that is neither this one nor its own. */
function windbreak(...args: readonly string[]) {
  return run("npx", ["--no", "--prefix", join(home, "installed"), "--", "windbreak", ...args], { cwd: home });
}

describe("the package", () => {
  it("holds what runs and what tells of it, and nothing that builds or tests it", () => {
    expect([...new Set(held.map((path) => path.split("/")[0]))].sort()).toEqual(HOLDS);
    expect(held).toEqual(
      expect.arrayContaining(["dist/main.js", "dist/page/index.html", "dist/gen/descriptors.binpb"]),
    );
    expect(held.filter((path) => /\.map$|\.test\.(?!yaml)|^deploy\/(image|release)\//.test(path))).toEqual([]);
  });

  it("says its version, and checks a policy and its suite", { timeout: RUN_MS }, async () => {
    expect((await windbreak("--version")).stdout).toBe(`${version}\n`);
    const sample = join(home, "installed/node_modules/windbreak/deploy");
    expect((await windbreak("policy", "check", join(sample, "policy.yaml"))).stdout).toContain("policy");
    await windbreak("policy", "test", join(sample, "policy.test.yaml"));
  });

  it("serves, says that it does, and ends when it is told to", { timeout: RUN_MS }, async () => {
    const installed = join(home, "installed/node_modules");
    const listen = `unix:${join(home, "windbreak.sock")}`;
    const flags = ["--policy", join(installed, "windbreak/deploy/policy.yaml"), "--listen", listen, "--admin", "off"];
    const serving = spawn(join(installed, ".bin/windbreak"), ["serve", ...flags], { cwd: home });
    const ended = new Promise((resolve) => serving.once("close", resolve));
    onTestFinished(() => void serving.kill("SIGKILL"));
    const listening = new Promise<void>((resolve) => {
      serving.stderr.on("data", (text: Buffer) => text.includes("listening on") && resolve());
    });
    await inTime(15_000, "a line that says where it listens", listening);
    expect((await windbreak("health", "--server", listen)).stdout).toBe("SERVING\n");
    serving.kill("SIGTERM");
    expect(await inTime(15_000, "its end", ended)).toBe(0);
  });
});
