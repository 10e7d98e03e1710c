import { execFile, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { inTime } from "../support/redis/deadlines.js";
import { shippedPackages } from "../support/shipped.js";

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

describe("the list of what ships", () => {
  interface Component {
    readonly name: string;
    readonly version: string;
    readonly licenses: readonly { readonly license?: { readonly id: string }; readonly expression?: string }[];
  }

  const list = (name: string) => {
    const file = join(home, name);
    execFileSync(process.execPath, [join(ROOT, "deploy/image/sbom.mjs"), file]);
    return readFileSync(file, "utf8");
  };
  let once: string;
  beforeAll(() => {
    once = list("once.json");
  });

  it("names every package, its version and its licence, as they are installed, and nothing else", () => {
    const { components, metadata, bomFormat } = JSON.parse(once);
    expect(bomFormat).toBe("CycloneDX");
    expect(metadata.component).toMatchObject({ name: "windbreak", version, purl: `pkg:npm/windbreak@${version}` });
    const named = components.map((one: Component) => {
      const [first] = one.licenses;
      return `${one.name} ${one.version}, ${first?.license?.id ?? first?.expression}`;
    });
    const installed = shippedPackages().map((one) => `${one.name} ${one.version}, ${one.license}`);
    expect(named.sort()).toEqual([...new Set(installed)].sort());
  });

  it("is equal when it is made again", () => {
    expect(list("twice.json")).toBe(once);
  });
});
