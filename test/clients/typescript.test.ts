import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { createWindbreakClient } from "../../src/client/client.js";
import { startProcess } from "../integration/running-process.js";
import { afterwards, temporaryDirectory } from "../integration/running-service.js";
import { ANSWERS } from "../support/mistral/answers.js";
import { ReplayServer } from "../support/mistral/replay-server.js";

const ROOT = join(import.meta.dirname, "../..");
const PROGRAM = join(import.meta.dirname, "typescript");
const run = promisify(execFile);
/** Packing and compiling take some seconds, on a busy machine many. */
const MOST_MS = 60_000;

const POLICY = `
version: 1
organization: acme
workspaces: { search: { models: ["*"], limits: { usd_per_month: 10 } } }
roles: { service: { models: ["*"], limits: { tokens_per_request: 1000 } } }
`;

/** A folder where the package is installed as npm installs it, from its tarball, beside what it depends on. */
async function installed(): Promise<string> {
  const folder = temporaryDirectory();
  const modules = join(folder, "node_modules");
  mkdirSync(modules);
  const { stdout } = await run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder], {
    cwd: ROOT,
  });
  await run("tar", ["-xzf", join(folder, stdout.trim()), "-C", folder]);
  renameSync(join(folder, "package"), join(modules, "windbreak"));
  for (const name of readdirSync(join(ROOT, "node_modules"))) {
    if (!name.startsWith(".")) symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  return folder;
}

describe("a program with the package that npm would install", () => {
  it(
    "compiles, calls, is refused in words, and has all settled when it ends",
    async () => {
      const folder = await installed();
      cpSync(PROGRAM, folder, { recursive: true });
      await run(join(ROOT, "node_modules/.bin/tsc"), ["-p", folder]);

      const service = await startProcess(POLICY, { listen: `unix:${folder}/windbreak.sock`, admin: "" });
      const mistral = await ReplayServer.start({ answers: ANSWERS });
      const args = [join(folder, "out/calls.js"), service.address, mistral.url];
      const { stdout, stderr } = await run(process.execPath, args, { env: { ...process.env, MISTRAL_API_KEY: "any" } });
      expect(stderr).toBe("");
      const lines = stdout.trim().split("\n");
      expect(lines.map((line): unknown => JSON.parse(line))).toEqual([
        { call: "complete", text: "un deux trois", total_tokens: 13 },
        { call: "stream", text: "un deux trois" },
        {
          call: "askForTooMuch",
          reason: "request_too_large",
          limit: "roles.service.tokens_per_request",
          fittingOutputTokens: expect.any(Number),
        },
      ]);
      const windbreak = createWindbreakClient({ address: service.address });
      afterwards(() => windbreak.close());
      const { limits } = await windbreak.checkBudget({ principal: "indexer", role: "service", workspace: "search" });
      const month = limits.find(({ name }) => name === "workspaces.search.usd_per_month");
      expect(month).toMatchObject({ used: 6_600, reserved: 0 });
    },
    MOST_MS,
  );

  it("loads nothing of the service, and no client of Mistral's", async () => {
    const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", LOADED], { cwd: ROOT });
    const loaded = stdout.trim().split("\n");
    expect(loaded).toContain("client/client.js");
    expect(loaded.filter((file) => !/^(?:client|domain|gen|mistral)\//.test(file))).toEqual([]);
  });
});

/** Prints the files below dist that an import of `windbreak/client` loads, and all of any package of Mistral's. */
const LOADED = `
import { register } from "node:module";
register("data:text/javascript," + encodeURIComponent(\`
  import { writeSync } from "node:fs";
  export async function load(url, context, next) {
    const file = /\\\\/dist\\\\/(.*)$|\\\\/node_modules\\\\/(@mistralai.*)$/.exec(url);
    if (file && !/node_modules\\\\/(?!@mistralai)/.test(url)) writeSync(1, (file[1] ?? file[2]) + "\\\\n");
    return next(url, context);
  }
\`), import.meta.url);
await import("windbreak/client");
`;
