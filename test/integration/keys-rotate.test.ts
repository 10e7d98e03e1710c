import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { byApiKey } from "../../src/identity/credentials.js";
import { apiKeyHashOf, apiKeyOf } from "../support/api-keys.js";
import { AdminServer, type LiveKey } from "../support/mistral/admin-server.js";
import { freePort } from "../support/redis/free-port.js";
import { directory, policyFile } from "../unit/commands/policy-files.js";
import { NOON, runCli } from "../unit/commands/run-cli.js";
import { policyOf } from "../unit/policy/written.js";

const MINUTE = 60_000;
const DAY = 86_400_000;

const OLD: LiveKey = {
  id: "old-key",
  name: "dev-by-hand",
  secret: "oldkey-0123456789-abcdef",
  workspace: "w-dev",
  createdAt: NOON - 100 * DAY,
};

/** The Admin API with one key of 100 days, which a file holds for its readers; and the command, at any time. */
async function stage(words: { readonly dialect?: "admin" | "document" } = {}) {
  let now = NOON;
  const { dialect = "admin" } = words;
  const admin = await AdminServer.start({ dialect, now: () => now, keys: [{ ...OLD }] });
  const home = directory();
  const sink = join(home, "mistral-dev");
  writeFileSync(sink, OLD.secret);
  const keysFile = join(home, "keys.yaml");
  writeFileSync(
    keysFile,
    `version: 1
mistral: { dialect: ${dialect}, url: "${admin.url}", api_url: "${admin.apiUrl}", key: { env: ADMIN_KEY }, timeout: 2s }
rotation: { propagate: 1m, grace: 24h }
upstream:
  dev: { workspace: w-dev, owner: u1, name: dev-team, sink: { file: ${sink} } }
`,
  );
  const env = { ADMIN_KEY: admin.adminKey, WINDBREAK_ADMIN_SERVER: `127.0.0.1:${await freePort()}` };
  const state = join(home, "state");
  const said: string[] = [];
  const rotate = async (...args: readonly string[]) => {
    const flags = ["keys", "rotate", "--upstream", "--keys", keysFile, "--state", state];
    const { code, stdout, stderr } = await runCli([...flags, ...args], env, now);
    said.push(stdout, stderr);
    const told = stderr.replaceAll(/note: .*\n/g, "").replaceAll(home, "");
    return { code, out: stdout.replaceAll(home, ""), err: told };
  };
  return {
    ...{ admin, rotate, env, keysFile, said },
    journal: () => readFileSync(join(state, "rotations", "dev", "rotation.json"), "utf8"),
    pass: (ms: number) => {
      now += ms;
    },
    inSink: () => admin.keys.find(({ secret }) => secret === readFileSync(sink, "utf8")),
    readersCall: () =>
      fetch(`${admin.apiUrl}/v1/models`, { headers: { authorization: `Bearer ${readFileSync(sink, "utf8")}` } }),
  };
}

describe("keys rotate --upstream", () => {
  test("goes as far as it can at each call, and tells each change and what it waits for", async () => {
    const { admin, rotate, pass, inSink, readersCall } = await stage();
    expect(await rotate()).toEqual({
      code: 0,
      out: expect.stringMatching(
        /^dev: made key \S+, named dev-team-20261122T120000Z-\w{4}\ndev: stored key \S+ in file \/mistral-dev\ndev: waiting: readers of file \/mistral-dev are given time to take up the new key\n$/,
      ),
      err: "",
    });
    const made = inSink()?.id;
    expect(made).not.toBe(OLD.id);
    pass(MINUTE);
    expect((await rotate()).out).toContain(`dev: waiting: the new key ${made} was not seen in use yet`);
    pass(DAY);
    await readersCall();
    expect((await rotate()).out).toContain(`dev: ${made} is in use, and old-key not any more`);
    expect(admin.keys.map(({ id }) => id)).toEqual([made]);
    expect(await rotate("--due-only")).toEqual({ code: 0, out: "dev: not due before 2027-02-20\n", err: "" });
  });

  test("says what it would do, and does nothing", async () => {
    const { admin, rotate } = await stage();
    const { code, out } = await rotate("--dry-run");
    expect({ code, out: out.replace(/Z-\w{4}$/m, "Z-NAME") }).toEqual({
      code: 0,
      out: [
        "dev: would replace key old-key in file /mistral-dev, which is 100 days old:",
        "dev: 1. make a key named dev-team-20261122T120000Z-NAME",
        "dev: 2. try it, and put it into file /mistral-dev",
        "dev: 3. give readers 1m, and try what they find there",
        "dev: 4. wait until the new key was seen in use, and old-key was not for 24h",
        "dev: 5. revoke old-key",
        "",
      ].join("\n"),
    });
    expect(admin.asked("create") + admin.asked("revoke")).toBe(0);
    await rotate();
    expect((await rotate("--dry-run")).out).toBe(
      "dev: a rotation is under way since 2026-11-22T12:00:00.000Z, and goes on with propagate\n",
    );
  });

  test("lets a person say which key is in use where Mistral shows nothing of secrets", async () => {
    const { rotate } = await stage({ dialect: "document" });
    const { code, err } = await rotate();
    expect([code, err]).toEqual([
      1,
      "dev: none of the keys that Mistral lists in its workspace w-dev may be the one in use; name it by --old-key ID (windbreak keys list --upstream shows ids), or let it stand by --old-key none and revoke it yourself\n",
    ]);
    expect((await rotate("--workspace", "dev", "--old-key", OLD.id)).code).toBe(0);
  });

  test("lets a person decide that the key before goes", async () => {
    const { admin, rotate, pass, inSink } = await stage();
    await rotate();
    pass(MINUTE);
    const { code, out } = await rotate("--workspace", "dev", "--retire-anyway");
    expect([code, out]).toEqual([0, expect.stringContaining("dev: revoking old-key, as it was decided\n")]);
    expect(admin.keys.map(({ id }) => id)).toEqual([inSink()?.id]);
  });

  test("ends a rotation where it stands, as a person wants", async () => {
    const { admin, rotate, inSink } = await stage();
    await rotate();
    expect(await rotate("--workspace", "dev", "--abandon")).toEqual({
      code: 0,
      out: `dev: the rotation was ended; keys old-key, ${inSink()?.id} are left as they are\n`,
      err: "",
    });
    expect(admin.keys).toHaveLength(2);
  });

  test("writes JSON", async () => {
    const { rotate } = await stage();
    const { out } = await rotate("--json");
    expect(JSON.parse(out)).toEqual({
      rotations: [
        {
          workspace: "dev",
          state: "waiting",
          step: "propagate",
          next_look: "2026-11-22T12:01:00.000Z",
          line: "waiting: readers of file /mistral-dev are given time to take up the new key",
        },
      ],
    });
  });

  test("says what to do where Mistral refuses, and ends with 1; where it does not answer, with 3", async () => {
    const { admin, rotate } = await stage();
    admin.trouble("create", { kind: "status", status: 403 });
    const refused = await rotate();
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringContaining("all keys stay as they are until then; rotate again"),
    ]);
    expect(admin.keys).toHaveLength(1);
    expect((await rotate()).code).toBe(0);
    const other = await stage();
    other.admin.trouble("list", ...Array.from({ length: 9 }, () => ({ kind: "status", status: 503 }) as const));
    expect((await other.rotate()).code).toBe(3);
  });

  test("shows no secret, of Mistral's or of the Admin API, anywhere", async () => {
    const { admin, rotate, pass, said, journal, readersCall } = await stage();
    await rotate();
    const [before, made] = admin.keys.map(({ secret }) => secret);
    const written = [journal()];
    pass(MINUTE);
    admin.trouble("models", { kind: "status", status: 500, body: { message: made } });
    await rotate();
    await rotate();
    pass(DAY);
    await readersCall();
    admin.trouble("revoke", { kind: "status", status: 422, body: { detail: made } });
    await rotate();
    written.push(journal());
    const all = [...said, ...written].join("");
    expect([before, made, admin.adminKey].filter((secret) => all.includes(secret ?? "none"))).toEqual([]);
    expect(all).toContain("fingerprint");
  });

  test.each([
    [["--workspace", "prod"], "--workspace prod: the keys file has no such workspace under upstream; there are dev"],
    [["--retire-anyway"], "--retire-anyway: is about one key; name its workspace by --workspace"],
    [["--redis", "redis://127.0.0.1:1"], "--redis: whose rotations are meant is not known; give --policy FILE too"],
  ])("is refused with %j", async (args, fault) => {
    const { rotate } = await stage();
    const { code, err } = await rotate(...args);
    expect([code, err]).toEqual([2, expect.stringContaining(fault)]);
  });

  test("needs a place where it writes down how far it came", async () => {
    const { env, keysFile } = await stage();
    const { code, stderr } = await runCli(["keys", "rotate", "--upstream", "--keys", keysFile], env, NOON);
    expect([code, stderr]).toEqual([2, expect.stringContaining("--state or --redis: missing: a rotation must be")]);
  });
});

describe("keys rotate --callers", () => {
  const written = (...lines: readonly string[]) => `version: 1
workspaces: { dev: { models: ["*"] } }
roles: { r: { models: ["*"] } }
principals:
  search:
    role: r
    workspace: dev
    credentials:
      - api_key_sha256: "${apiKeyHashOf("search")}"
${lines.map((line) => `      ${line}\n`).join("")}`;

  test("issues the next key, and says what to add, what to wait for and what to take out", async () => {
    const file = policyFile(written());
    const args = ["keys", "rotate", "--callers", "--policy", file, "--principal", "search"];
    const { code, stdout, stderr } = await runCli(args);
    const key = stdout.trim();
    const shown = `sha256:${apiKeyHashOf("search").slice(0, 12)}`;
    const steps = stderr.replaceAll(file, "policy.yaml").split("\n");
    expect(code).toBe(0);
    expect(steps[0]).toBe(`1. add to principals.search.credentials in policy.yaml, beside ${shown}:`);
    expect(steps.slice(2)).toEqual([
      "2. save the file: from then on both keys prove the principal, and its limits go on counting",
      "3. give the new key to all who call as this principal",
      `4. once windbreak keys list --callers --policy policy.yaml shows no new use of ${shown}, take it out:`,
      `     windbreak keys revoke --callers --policy policy.yaml ${shown}`,
      "",
    ]);
    const both = policyOf(written(steps[1]?.trim() ?? ""));
    for (const one of [key, apiKeyOf("search")]) expect(byApiKey(both, one)).toMatchObject({ name: { id: "search" } });
    expect(stderr).not.toContain(key);
  });

  test("issues nothing where it is to say the steps only", async () => {
    const file = policyFile(written());
    const args = ["keys", "rotate", "--callers", "--policy", file, "--principal", "search", "--dry-run"];
    expect(await runCli(args)).toMatchObject({ code: 0, stdout: "" });
  });

  test.each([
    [["--principal", "serch"], "--principal serch: the policy lists no such principal; did you mean search?"],
    [[], "--principal: missing; name the principal whose key is rotated"],
  ])("is refused with %j", async (args, fault) => {
    const file = policyFile(written());
    const { code, stderr } = await runCli(["keys", "rotate", "--callers", "--policy", file, ...args]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(fault)]);
  });
});
