import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { judgeImage } from "../support/image/at-hand.js";
import { type BuiltImage, ImageBuilder } from "../support/image/built-image.js";
import { RunningImage } from "../support/image/run-image.js";
import { askUntil } from "../support/redis/deadlines.js";
import { describeJudged } from "../support/redis/describe-with.js";
import { afterwards, connect } from "./running-service.js";

const ROOT = join(import.meta.dirname, "../..");
const SAMPLE = join(ROOT, "deploy/policy.yaml");
const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const REVISION = "0123456789abcdef0123456789abcdef01234567";
const BUILD_MS = 600_000;
const STARTS = 11;
const USER = 65_532;
const QUESTION = {
  principal: { id: "ada", role: "developer", workspace: "dev-workspace" },
  model: "codestral-latest",
  input_tokens: 100,
};
const ASKS = ["--principal", "ada", "--workspace", "dev-workspace", "--model", "codestral-latest"];

/** A folder with the sample policy, to be mounted where the image looks for it. */
function policyVolume(): string {
  const folder = volume();
  copyFileSync(SAMPLE, join(folder, "policy.yaml"));
  chmodSync(join(folder, "policy.yaml"), 0o644);
  return folder;
}

function volume(): string {
  const folder = mkdtempSync(join(tmpdir(), "volume-"));
  chownSync(folder, USER, USER);
  afterwards(() => rmSync(folder, { recursive: true }));
  return folder;
}

function run(image: BuiltImage, volumes: Readonly<Record<string, string>>, command?: readonly string[]): RunningImage {
  const running = new RunningImage(image, volumes, command);
  afterwards(() => running.kill());
  return running;
}

/** Ask by the image's own HEALTHCHECK. */
async function isHealthy(running: RunningImage, { config }: BuiltImage): Promise<void> {
  const [kind, ...check] = config.Healthcheck.Test;
  expect(kind).toBe("CMD");
  await running.said(/listening on/);
  await askUntil(
    20_000,
    () => running.exec(check),
    ({ code }) => code === 0,
  );
}

function bytesIn(folder: string): number {
  const listed = execFileSync("du", ["--summarize", "--bytes", "--one-file-system", folder], { encoding: "utf8" });
  return Number.parseInt(listed, 10);
}

describeJudged(judgeImage(), "the image", () => {
  let builder: ImageBuilder;
  let image: BuiltImage;
  beforeAll(async () => {
    builder = await ImageBuilder.begin();
    image = await builder.build(ROOT, { VERSION: version, REVISION });
    for (const shell of ["sh", "bash", "dash"]) rmSync(join(image.root, "bin", shell), { force: true });
  }, BUILD_MS);
  afterAll(() => builder?.end(), BUILD_MS);

  it("serves a policy by its own user, with no shell, where nothing can be written", { timeout: 120_000 }, async () => {
    const running = run(image, { [policyVolume()]: "/etc/windbreak" });
    await isHealthy(running, image);
    const status = readFileSync(`/proc/${running.pid}/status`, "utf8");
    expect(status).toMatch(new RegExp(`Uid:(\\t${USER}){4}\nGid:(\\t${USER}){4}`));
    expect(status).toMatch(/NSpid:\t\d+\t1\n/);
    expect(status).toMatch(/CapEff:\t0+\n/);

    const [node = ""] = image.config.Entrypoint;
    const write = (path: string) => `try { fs.writeFileSync("${path}", "") } catch ({ code }) { console.log(code) }`;
    const writes = ["/app/dist/main.js", "/tmp/file", "/var/lib/windbreak/file"].map(write).join("\n");
    const shell = "child_process.execFile('/bin/sh', ({ code }) => console.log(code));";
    const { stdout } = await running.exec([node, "-e", `${writes}\n${shell}`]);
    expect(stdout.trim().split("\n")).toEqual(["EROFS", "EROFS", "EROFS", "ENOENT"]);

    const authorize = (role: string) =>
      running.command(["authorize", ...ASKS, "--role", role, "--input-tokens", "100"]);
    expect(await authorize("developer")).toMatchObject({ code: 0, stdout: expect.stringContaining("allowed") });
    expect((await authorize("nobody")).code).not.toBe(0);
    const page = `fetch("http://127.0.0.1:9090/", { headers: { accept: "text/html" } }).then((r) => console.log(r.status))`;
    expect((await running.exec([node, "-e", page])).stdout).toBe("200\n");
    expect(await running.end()).toBe(0);
    expect(running.lines.at(-1)).toContain("all calls finished");
  });

  it("takes a policy that changes, which it reads in a thread", { timeout: 120_000 }, async () => {
    const policies = policyVolume();
    const running = run(image, { [policies]: "/etc/windbreak" });
    await isHealthy(running, image);
    const file = join(policies, "policy.yaml");
    const text = readFileSync(file, "utf8");
    writeFileSync(file, `${text}\n# changed\n`);
    await running.said(/is in force, after/);
    expect(await running.end()).toBe(0);
  });

  it("keeps counters and a socket in volumes, and starts fast", { timeout: 300_000 }, async () => {
    const [policies, state, sockets] = [policyVolume(), volume(), volume()];
    const volumes = { [policies]: "/etc/windbreak", [state]: "/var/lib/windbreak", [sockets]: "/run/windbreak" };
    const flags = ["--state", "/var/lib/windbreak", "--listen", "unix:/run/windbreak/windbreak.sock"];
    const times: number[] = [];
    for (let start = 0; start < STARTS; start += 1) {
      const begun = performance.now();
      const running = run(image, volumes, ["serve", ...flags]);
      await running.said(/listening on/);
      const { allowed } = await connect(`unix:${sockets}/windbreak.sock`).authorize(QUESTION);
      expect(allowed).toBe(true);
      times.push(performance.now() - begun);
      expect(await running.end()).toBe(0);
    }
    expect(readdirSync(state)).toContainEqual(expect.stringMatching(/^journal-/));
    const median = times.sort((a, b) => a - b)[times.length >> 1] ?? 0;
    console.log(`a start of the image takes ${median.toFixed(0)} ms, the median of ${STARTS}`);
  });

  it("holds what runs, from whom that is, and says which version it is", () => {
    const app = join(image.root, "app");
    expect(readdirSync(app).sort()).toEqual(["LICENSE", "THIRD-PARTY-NOTICES", "dist", "proto", "sbom.cdx.json"]);
    const files = readdirSync(app, { recursive: true, encoding: "utf8" });
    expect(files.filter((file) => /node_modules|\.map$|\.ts$/.test(file))).toEqual([]);
    expect(readdirSync(image.root)).not.toContain("src");
    expect(image.config).toMatchObject({
      User: "65532:65532",
      ExposedPorts: { "50051/tcp": {}, "9090/tcp": {} },
      Labels: {
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.revision": REVISION,
        "org.opencontainers.image.licenses": "Apache-2.0",
      },
    });
    const size = (folder: string) => `${(bytesIn(folder) / 1e6).toFixed(1)} MB`;
    console.log(`the image adds ${size(app)} to its base; in all ${size(image.root)}`);
  });

  it("is equal when it is built again, elsewhere and by another umask", { timeout: BUILD_MS }, async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "source-"));
    afterwards(() => rmSync(elsewhere, { recursive: true }));
    const isSource = (path: string) =>
      !/^(node_modules|\.git|dist|build|coverage|state)(\/|$)/.test(relative(ROOT, path));
    cpSync(ROOT, elsewhere, { recursive: true, filter: isSource });
    execFileSync("chmod", ["-R", "g+w", elsewhere]);
    const again = await builder.build(elsewhere, { VERSION: version, REVISION });
    expect(again.layers).toEqual(image.layers);
  });
});
