import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { run } from "../../../src/commands/run.js";
import { directory, policyFile } from "./policy-files.js";
import { allowed, denied, logFile, logOf, logText, settled, timeAt } from "./replay/log-lines.js";
import { NOON, runCli } from "./run-cli.js";

/** Two calls of the log's a day, and no more. */
const policyOf = (limits: string, rest = "") => `version: 1
workspaces: { dev: { models: ["*"], limits: { ${limits} } } }
roles: { developer: { models: ["*"] } }
${rest}`;
const TWO_A_DAY = policyOf("tokens_per_day: 2000");
const OPEN = policyOf("tokens_per_day: 1_000_000");

async function replay(policy: string, logs: readonly string[], args: readonly string[] = []) {
  const named = logs.flatMap((log) => ["--log", log]);
  return runCli(["policy", "replay", ...named, policyFile(policy), ...args]);
}

async function outcomeOf(policy: string, logs: readonly string[], args: readonly string[] = []) {
  const { stdout, stderr, code } = await replay(policy, logs, ["--json", ...args]);
  expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  return JSON.parse(stdout);
}

/** The lines of tables, columns parted by two spaces. */
const lines = (stdout: string) => stdout.split("\n").map((line) => line.replace(/ {2,}/g, "  "));

describe("policy replay", () => {
  test("says first what the new policy would have blocked, and what that had cost", async () => {
    const log = logFile([
      allowed("a"),
      settled("a"),
      allowed("b", 2),
      settled("b", 3),
      allowed("c", 4),
      settled("c", 5),
    ]);
    const { code, stdout, stderr } = await replay(TWO_A_DAY, [log]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [first, second, third, fourth] = lines(stdout);
    expect(first).toMatch(/policy\.yaml \([0-9a-f]{16}\) would have$/);
    expect(second).toBe("  blocked  1 of 3 calls that were allowed, which cost $0.00015");
    expect(third).toBe("  admitted 0 of 0 calls that were denied");
    expect(fourth).toBe(`${log}: 3 decisions from ${timeAt(0)} to ${timeAt(5)}, by old`);
    expect(lines(stdout)).toContain("-  workspaces.dev.tokens_per_day  token_budget_exceeded  1  $0.00015");
    expect(lines(stdout)).toContain("ada  developer  dev  1  $0.00015");
  });

  test("charges what was really used, so that more fits than what was reserved", async () => {
    // Each reserves 1,000 tokens and uses 700: the third one finds 600 left, or none where nothing is settled.
    const calls = ["a", "b"].flatMap((id, index) => [allowed(id, index * 2), settled(id, index * 2 + 1)]);
    const log = logFile([
      ...calls,
      allowed("c", 9, { asked: { model: "mistral-small-latest", input_tokens: 600, max_output_tokens: 0 } }),
    ]);
    const policy = policyOf("tokens_per_day: 2400", "default_max_output_tokens: 400\n");
    expect((await outcomeOf(policy, [log])).blocked).toMatchObject({ calls: 0 });
    const unsettled = logFile([allowed("a"), allowed("b"), allowed("c", 9)]);
    expect((await outcomeOf(policy, [unsettled])).blocked).toMatchObject({ calls: 1 });
  });

  test("takes a blocked call without a settlement at what it had reserved, and says so", async () => {
    const log = logFile([allowed("a"), allowed("b", 1), allowed("c", 2)]);
    const { blocked, examples } = await outcomeOf(TWO_A_DAY, [log]);
    expect(blocked).toEqual({
      calls: 1,
      cost_nano_usd: "330000",
      estimated_calls: 1,
      estimated_cost_nano_usd: "330000",
    });
    expect(examples).toMatchObject([
      { request_id: "q-c", cost_nano_usd: "330000", limit: "workspaces.dev.tokens_per_day" },
    ]);
    expect((await replay(TWO_A_DAY, [log])).stdout).toContain(
      "* of what is saved, $0.00033 is what 1 call had reserved: the log does not say what they used",
    );
  });

  test("saves nothing by a call that was given back", async () => {
    const release = { v: 1, kind: "release", time: timeAt(3), reservation_id: "r-c", why: "caller_gone" };
    const log = logFile([allowed("a"), allowed("b", 1), allowed("c", 2), release]);
    expect((await outcomeOf(TWO_A_DAY, [log])).blocked).toMatchObject({
      calls: 1,
      cost_nano_usd: "0",
      estimated_calls: 0,
    });
  });

  test("says what was denied and would be admitted, for how much at the most, and charges that", async () => {
    const log = logFile([denied("a"), denied("b", 1), denied("c", 2)]);
    const outcome = await outcomeOf(TWO_A_DAY, [log]);
    expect(outcome).toMatchObject({
      turns: true,
      admitted: { calls: 2, cost_nano_usd: "660000" },
      denied_both_times: { calls: 1, otherwise: 1 },
      by_cause: [
        { would_be: "admitted", limit: "workspaces.dev.requests_per_minute", reason: "rate_limited", calls: 2 },
      ],
    });
    const { stdout } = await replay(TWO_A_DAY, [log]);
    expect(lines(stdout)[2]).toBe("  admitted 2 of 3 calls that were denied, for up to $0.00066");
  });

  test("lets what only the new policy admits hold no place among calls at one time", async () => {
    const log = logFile([denied("a"), denied("b", 1), allowed("c", 2), denied("d", 3)]);
    const outcome = await outcomeOf(policyOf("concurrent_requests: 1"), [log]);
    expect(outcome).toMatchObject({ admitted: { calls: 2 }, blocked: { calls: 0 }, denied_both_times: { calls: 1 } });
  });

  test("judges a dry run anew, whatever its request_id was used for", async () => {
    const dry = { dry_run: true, reservation_id: undefined, expires_at: undefined };
    expect(await outcomeOf(OPEN, [logFile([denied("a"), allowed("a", 1, dry)])])).toMatchObject({
      dry_runs: { decisions: 1, turned: 0 },
      not_compared: { repeats: 0 },
    });
  });

  test("counts a call once that was denied, asked again and allowed", async () => {
    const again = allowed("x", 2, { request_id: "q-a", reservation_id: "r-a" });
    const log = logFile([denied("a"), denied("a", 1), again, settled("a", 3)]);
    expect(await outcomeOf(OPEN, [log])).toMatchObject({
      admitted: { calls: 1 },
      allowed_both_times: { calls: 0 },
      not_compared: { repeats: 2 },
      settlements_of_calls_not_in_log: { charged: 0 },
    });
  });

  test("charges a call once that came again while it was open, and settles by request_id too", async () => {
    const { reservation_id: _, ...byRequest } = settled("a", 2, { request_id: "q-a" }) as Record<string, unknown>;
    const log = logFile([allowed("a"), allowed("a", 1), byRequest, allowed("b", 3)]);
    expect(await outcomeOf(policyOf("tokens_per_day: 1700"), [log])).toMatchObject({
      blocked: { calls: 0 },
      allowed_both_times: { calls: 2, cost_nano_usd: "150000" },
      not_compared: { repeats: 1 },
    });
  });

  test("takes role and workspace of those whom the new policy lists from there", async () => {
    const moved = policyOf("tokens_per_day: 500", `principals: { ada: { role: developer, workspace: big } }\n`).replace(
      "workspaces: {",
      'workspaces: { big: { models: ["*"] },',
    );
    expect((await outcomeOf(moved, [logFile([allowed("a")])])).blocked).toMatchObject({ calls: 0 });
  });

  test("takes who is not listed as proved only where the new policy trusts somebody", async () => {
    const log = logFile([allowed("a")]);
    const closed = `${OPEN}unlisted_principals: deny\n`;
    expect((await outcomeOf(closed, [log])).by_cause).toMatchObject([{ limit: null, reason: "unknown_principal" }]);
    const trusting = `${closed}trust: [{ spiffe: "spiffe://acme/ns/*/sa/*", role: developer, workspace: dev }]\n`;
    expect((await outcomeOf(trusting, [log])).blocked).toMatchObject({ calls: 0 });
  });

  test("leaves out what no policy changes", async () => {
    const log = logFile([
      denied("a", 0, { reason: "unauthenticated", principal: "" }),
      denied("b", 1, { reason: "store_unavailable" }),
      denied("c", 2, { request_id: undefined }),
      denied("d", 3, { asked: undefined }),
    ]);
    expect(await outcomeOf(OPEN, [log])).toMatchObject({
      turns: false,
      decisions: 4,
      not_compared: { unauthenticated: 1, store_unavailable: 1, at_the_door: 2, repeats: 0 },
    });
  });

  test("reserves nothing for dry runs, and counts them apart", async () => {
    const dry = (id: string, seconds: number) =>
      allowed(id, seconds, { dry_run: true, reservation_id: undefined, expires_at: undefined });
    const log = logFile([dry("a", 0), dry("b", 1), dry("c", 2), allowed("d", 3), allowed("e", 4), dry("f", 5)]);
    expect(await outcomeOf(TWO_A_DAY, [log])).toMatchObject({
      blocked: { calls: 0 },
      allowed_both_times: { calls: 2 },
      dry_runs: { decisions: 4, turned: 1 },
    });
  });

  test("tells what limits in shadow would have denied, and turns nothing by them", async () => {
    const shadow = policyOf("tokens_per_day: { ceiling: 1500, on_exceed: shadow }");
    const log = logFile([allowed("a"), allowed("b", 1)]);
    expect(await outcomeOf(shadow, [log])).toMatchObject({
      turns: false,
      in_shadow: { "workspaces.dev.tokens_per_day": 1 },
    });
    expect(lines((await replay(shadow, [log])).stdout)).toContain("workspaces.dev.tokens_per_day  1");
  });

  test("charges new prices, and says whose answers would have been cut short", async () => {
    const dearer = policyOf("tokens_per_request: 650").replace("dev: {", "dev: { price_factor: 2,");
    const log = logFile([
      allowed("a", 0, { asked: { model: "mistral-small-latest", input_tokens: 600, max_output_tokens: 0 } }),
      settled("a"),
    ]);
    expect((await outcomeOf(dearer, [log])).allowed_both_times).toEqual({
      calls: 1,
      cost_nano_usd: "150000",
      new_cost_nano_usd: "300000",
      cut_short: 1,
    });
  });

  test("charges usage whose call the log does not hold", async () => {
    const log = logFile([settled("before", 0), allowed("a", 1), allowed("b", 2)]);
    expect(await outcomeOf(TWO_A_DAY, [log])).toMatchObject({
      blocked: { calls: 1 },
      settlements_of_calls_not_in_log: { charged: 1, not_charged: 0 },
    });
  });

  test("says of a sample that its counters miss the rest", async () => {
    const log = logFile([allowed("a", 0, { share: 0.25 })]);
    expect((await outcomeOf(OPEN, [log])).share).toBe(0.25);
    expect((await replay(OPEN, [log])).stdout).toContain("* the log is a sample (0.25 of the allowed decisions)");
  });

  test("turns windows by the new policy's calendar", async () => {
    // 22:30 and 23:30 in UTC: one day there, two in Paris.
    const log = logFile([allowed("a", 13.5 * 3600), settled("a", 13.5 * 3600 + 1), allowed("b", 14.5 * 3600)]);
    const daily = policyOf("tokens_per_day: 1000");
    expect((await outcomeOf(daily, [log])).blocked.calls).toBe(1);
    expect((await outcomeOf(`${daily}timezone: Europe/Paris\n`, [log])).blocked.calls).toBe(0);
  });
});

describe("the log of policy replay", () => {
  test("may be torn by a crash: what cannot be read is skipped, named and counted", async () => {
    const whole = logText([allowed("a"), "", "no JSON", "[]", "null", '{"level":"info"}', settled("a")]);
    const torn = whole + JSON.stringify(allowed("b", 2)).slice(0, 300);
    const log = logOf(torn);
    const { code, stdout, stderr } = await replay(OPEN, [log]);
    expect(code).toBe(0);
    expect(stderr.split("\n")).toEqual([
      `${log}:3: warning: skipped, because it is cut off, or no JSON object`,
      `${log}:4: warning: skipped, because it is cut off, or no JSON object`,
      `${log}:5: warning: skipped, because it is cut off, or no JSON object`,
      `${log}:6: warning: skipped, because it is no line of a decision log`,
      `${log}:8: warning: skipped, because it is cut off, or no JSON object`,
      "",
    ]);
    expect(stdout).toContain(`${log}: 1 decision from`);
    expect(stdout).toContain("* 5 lines that could not be read: skipped");
  });

  test("names a few of many lines that it skips", async () => {
    const log = logFile([allowed("a"), ...Array.from({ length: 12 }, () => "{")]);
    const { stderr } = await replay(OPEN, [log]);
    expect(stderr.trimEnd().split("\n")).toHaveLength(6);
    expect(stderr).toContain("warning: 7 more skipped");
  });

  test("is refused where it holds no decision", async () => {
    for (const log of [logOf(""), logFile([settled("a")])]) {
      const { code, stderr, stdout } = await replay(OPEN, [log]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toBe(`--log ${log}: holds no decision; give what serve --decision-log wrote\n`);
    }
  });

  test("is refused where a later release wrote it, and nothing is told of the rest", async () => {
    const log = logFile([allowed("a"), { ...allowed("b", 1), v: 2 }]);
    const { code, stderr, stdout } = await replay(OPEN, [log]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(`--log ${log}: line 2: a line of version 2 of the decision log`);
  });

  test("is refused where it cannot be read, or is named twice", async () => {
    const log = logFile([allowed("a")]);
    const missing = `${log}.9`;
    expect(await replay(OPEN, [missing])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${missing}: cannot be read (ENOENT)`),
    });
    expect(await replay(OPEN, [directory()])).toMatchObject({ code: 2, stderr: expect.stringContaining("(EISDIR)") });
    expect(await replay(OPEN, [log, log])).toMatchObject({ code: 2, stderr: expect.stringContaining("given twice") });
    expect(await replay(OPEN, [])).toMatchObject({ code: 2, stderr: expect.stringContaining("--log <file>") });
  });

  test("may be of several files in any order, packed or not, or come from standard input", async () => {
    const [one, two] = [
      [allowed("a"), allowed("b", 2)],
      [allowed("c", 1), settled("a", 3), settled("c", 4)],
    ] as const;
    const expected = { decisions: 3, blocked: { calls: 1 }, examples: [{ request_id: "q-b" }], late_lines: 0 };
    const packed = logOf(gzipSync(logText(one)));
    expect(await outcomeOf(TWO_A_DAY, [logFile(two), packed])).toMatchObject(expected);

    let stdout = "";
    const io = {
      stdout: { write: (text: string) => (stdout += text) },
      stderr: { write: () => {} },
      stdin: async function* () {
        yield gzipSync(logText(two));
      },
      isTerminal: false,
      now: () => NOON,
    };
    const argv = ["policy", "replay", "--log", "-", "--log", packed, policyFile(TWO_A_DAY), "--json"];
    expect(await run(argv, io, {})).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject(expected);
  });

  test("may be packed and cut off, and is read as far as it goes", async () => {
    const many = Array.from({ length: 2_000 }, (_, index) => allowed(`c${index}`, index));
    const packed = gzipSync(logText(many));
    const { code, stdout, stderr } = await replay(OPEN, [logOf(packed.subarray(0, packed.length / 2))], ["--json"]);
    expect(code).toBe(0);
    const { decisions } = JSON.parse(stdout);
    expect(decisions).toBeGreaterThan(100);
    expect(decisions).toBeLessThan(2_000);
    expect(stderr).toMatch(/^\S+:\d+: warning: skipped, because it is cut off/);
    const broken = Buffer.from(packed);
    broken.fill(0, 40, 80);
    expect(await replay(OPEN, [logOf(broken)])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("cannot be unpacked (Z_"),
    });
  });

  test("may hold lines of any length and any bytes", async () => {
    const bytes = Buffer.concat([
      Buffer.from(logText([allowed("a")])),
      Buffer.alloc(3_000_000, "x"),
      Buffer.from([10, 0xff, 0xfe, 0, 10]),
      Buffer.from(logText([allowed("b", 1)])),
      Buffer.alloc(3_000_000, "y"),
    ]);
    const log = logOf(bytes);
    const { stdout, stderr } = await replay(OPEN, [log], ["--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ decisions: 2, skipped_lines: 3 });
    expect(stderr).toContain(`${log}:2: warning: skipped, because it is longer than any line`);
    expect(stderr).toContain(`${log}:5: warning: skipped, because it is longer than any line`);
  });

  test("may hold what a terminal acts on, and none of it reaches the terminal", async () => {
    const evil = "\u001b[2J<b>\u009b\u202eada";
    const log = logFile([
      allowed("a", 0, {
        principal: evil,
        role: evil,
        workspace: evil,
        model: evil,
        policy_revision: evil,
        request_id: evil,
      }),
      denied("b", 1, { limits: [{ name: evil, refuses: true }], reason: evil }),
    ]);
    const { stdout, stderr } = await replay(OPEN, [log]);
    expect(stdout).toContain("\\u{1b}[2J<b>\\u{9b}\\u{202e}ada");
    expect(`${stdout}${stderr}`).not.toMatch(/[^\P{C}\n]/u);
  });

  test("may hold the fields and kinds of a later release, and names of Object's own", async () => {
    const log = logFile([
      { v: 1, kind: "weather", time: 7 },
      allowed("a", 0, { weather: { v: 2 }, constructor: 1, __proto__: null, principal: "constructor" }),
    ]);
    expect(await outcomeOf(OPEN, [log])).toMatchObject({ decisions: 1, blocked: { calls: 0 } });
  });
});

describe("what policy replay is told", () => {
  const log = () => logFile([allowed("a"), allowed("b", 1), allowed("c", 2), allowed("d", 3, { principal: "bob" })]);

  test("decides how many rows and examples are shown", async () => {
    const { stdout } = await replay(TWO_A_DAY, [log()], ["--top", "1", "--show", "0"]);
    expect(stdout).toContain("and 1 more: see --top, or --json");
    expect(stdout).not.toContain("q-c");
    expect((await outcomeOf(TWO_A_DAY, [log()], ["--show", "1"])).examples).toHaveLength(1);
    expect(await replay(OPEN, [log()], ["--top", "-1"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--top -1: no count"),
    });
  });

  test("tells a script whether anything turns", async () => {
    expect(await replay(TWO_A_DAY, [log()], ["--exit-code"])).toMatchObject({ code: 1 });
    expect(await replay(TWO_A_DAY, [log()])).toMatchObject({ code: 0 });
    expect(await replay(OPEN, [log()], ["--exit-code"])).toMatchObject({ code: 0 });
  });

  test("must be a sound policy", async () => {
    const { code, stdout, stderr } = await replay(OPEN.replace("models", "model"), [log()]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/policy\.yaml:2:\d+: /);
  });
});
