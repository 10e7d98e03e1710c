import { describe, expect, test } from "vitest";
import { run } from "../../../src/commands/run.js";
import { POLICY, policyFile } from "./policy-files.js";
import { NOON, runCli } from "./run-cli.js";

const EDITED = POLICY.replace("usd_per_month: 50", "usd_per_month: 80")
  .replace("tokens_per_day: 500_000", "tokens_per_day: 400_000")
  .replace("models: [mistral-embed], limits", "models: [mistral-embed, codestral-latest], limits")
  .replace("prod, disabled: true", "prod");

/** The lines of a table, its columns parted by two spaces. */
function lines(stdout: string): readonly string[] {
  return stdout.split("\n").map((line) => line.replace(/ {2,}/g, "  "));
}

async function diff(old: string, now: string, args: readonly string[] = []) {
  const files = [policyFile(old), policyFile(now)] as const;
  return { ...(await runCli(["policy", "diff", ...files, ...args])), files };
}

describe("policy diff", () => {
  test("says in a table for each section who gains, who loses, and which ceilings move", async () => {
    const { code, stdout, stderr, files } = await diff(POLICY, EDITED);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [first, ...rest] = lines(stdout);
    expect(first?.replace(/[0-9a-f]{16}/g, "REVISION")).toBe(
      `${files[0]} (REVISION) to ${files[1]} (REVISION): 4 changes: 3 allow more (+), 1 allow less (-), 0 do neither (~)`,
    );
    expect(rest).toEqual([
      "",
      "  MODELS  OLD  NEW",
      "+  principals.search-service  codestral-2508  may not  may",
      "",
      "  LIMITS  OLD  NEW",
      "+  workspaces.dev  usd_per_month  $50.00  $80.00",
      "-  roles.developer  tokens_per_day  500,000  400,000",
      "",
      "  PRINCIPALS  OLD  NEW",
      "+  principals.retired-service  disabled  yes  no",
      "",
    ]);
  });

  test("finds no difference in what is only written otherwise, and so tells a script", async () => {
    const rewritten = `# The same.\n${POLICY.replace("{ requests_per_minute: 2, usd_per_month: 50 }", "{ usd_per_month: 50.0, requests_per_minute: 2 }")}`;
    const same = await diff(POLICY, rewritten, ["--exit-code"]);
    expect(same.code).toBe(0);
    expect(same.stdout).toMatch(/: no difference, they decide alike\n$/);
    expect((await diff(POLICY, EDITED, ["--exit-code"])).code).toBe(1);
    expect((await diff(POLICY, EDITED)).code).toBe(0);
  });

  test("names a few of many, and counts the rest", async () => {
    const crowd = (usd: number) =>
      `${POLICY}${Array.from({ length: 1_200 }, (_, index) => `  bot-${1000 + index}: { role: developer, workspace: dev, limits: { usd_per_day: ${usd} } }\n`).join("")}`;
    const { stdout } = await diff(crowd(2), crowd(1));
    expect(lines(stdout)).toContain(
      "-  1,200 principals: bot-1000, bot-1001, bot-1002 and 1,197 more (developer in dev)  usd_per_day  $2.00  $1.00",
    );
  });

  test("is also JSON, everyone by name and values as data", async () => {
    const { code, stdout, files } = await diff(POLICY, EDITED, ["--json"]);
    expect(code).toBe(0);
    const said = JSON.parse(stdout);
    expect(said).toMatchObject({ old: { file: files[0] }, new: { file: files[1] }, differs: true });
    expect(said.changes).toHaveLength(4);
    expect(said.changes[0]).toEqual({
      section: "models",
      effect: "gains",
      who: { principals: ["search-service"], roles: ["senior"], workspaces: ["prod"] },
      what: "codestral-2508",
      old: false,
      new: true,
    });
    expect(said.changes[1]).toEqual({
      section: "limits",
      effect: "gains",
      who: { names: ["workspaces.dev"] },
      what: "usd_per_month",
      old: { ceiling: "50000000000", on_exceed: "deny", shared_by: "principal", status: 402 },
      new: { ceiling: "80000000000", on_exceed: "deny", shared_by: "principal", status: 402 },
    });
  });

  test("reads either policy from standard input", async () => {
    const file = policyFile();
    for (const args of [["-", file] as const, [file, "-"] as const]) {
      const { code, stdout } = await piped(["policy", "diff", ...args, "--exit-code"], EDITED);
      expect(code).toBe(1);
      const moved = args[0] === "-" ? "$80.00  $50.00" : "$50.00  $80.00";
      expect(lines(stdout).join("\n")).toContain(`usd_per_month  ${moved}`);
    }
    expect(await piped(["policy", "diff", "-", "-"], EDITED)).toEqual({
      code: 2,
      stdout: "",
      stderr: "-: standard input holds one policy; name a file for the other\n",
    });
    expect((await piped(["policy", "diff", file, "-"], "version: 2\n")).stderr).toMatch(/^-:1:10: version: /);
    expect((await piped(["policy", "diff", file, "-"], "#".repeat(5_000_000))).stderr).toMatch(/^-:1:1: the file has /);
  });

  test("tells what is wrong with both", async () => {
    const { code, stdout, stderr, files } = await diff("version: 2\n", "limits: { usd_per_moon: 1 }\n");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(`${files[0]}:1:10: version: `);
    expect(stderr).toContain(`${files[1]}:1:11: limits.usd_per_moon: `);
    const missing = await runCli(["policy", "diff", "no-such-old.yaml", "no-such-new.yaml"]);
    expect(missing.code).toBe(2);
    expect(missing.stderr.split("\n").map((line) => line.split(":")[0])).toEqual([
      "no-such-old.yaml",
      "no-such-new.yaml",
      "",
    ]);
  });
});

/** Run a command line into which a text is piped, a part at a time. */
async function piped(argv: readonly string[], text: string) {
  const written = { stdout: "", stderr: "" };
  const bytes = new TextEncoder().encode(text);
  const code = await run(
    argv,
    {
      stdout: { write: (more: string) => (written.stdout += more) },
      stderr: { write: (more: string) => (written.stderr += more) },
      stdin: async function* () {
        for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
      },
      isTerminal: false,
      now: () => NOON,
    },
    {},
  );
  return { code, ...written };
}
