import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Dialect } from "../../src/domain/keys-file.js";
import { AdminServer, type AdminServerOptions, type LiveKey } from "../support/mistral/admin-server.js";
import { freePort } from "../support/redis/free-port.js";
import { directory, policyFile } from "../unit/commands/policy-files.js";
import { NOON, type Ran, runCli } from "../unit/commands/run-cli.js";

const DAY_MS = 86_400_000;
const ago = (days: number) => NOON - days * DAY_MS;
const fingerprint = (secret: string) => createHash("sha256").update(secret).digest("hex").slice(0, 16);
const lines = (text: string) => text.split("\n").map((line) => line.replace(/ {2,}/g, "  "));

const liveKey = (name: string, words: Partial<LiveKey> = {}): LiveKey => ({
  id: `id-${name}`,
  name,
  secret: `${name}-0123456789-${name}`,
  workspace: "w-dev",
  createdAt: ago(10),
  lastUsed: ago(1),
  ...words,
});

/** The Admin API, a keys file for it, and the command in an environment that names both. */
async function stage(options: AdminServerOptions = {}) {
  const admin = await AdminServer.start({ now: () => NOON, ...options });
  const home = directory();
  const sink = join(home, "mistral-dev");
  const keysFile = join(home, "keys.yaml");
  writeFileSync(
    keysFile,
    `version: 1
mistral:
  dialect: ${options.dialect ?? "admin"}
  url: ${admin.url}
  key: { env: ADMIN_KEY }
  timeout: 2s
upstream:
  dev: { workspace: w-dev, owner: u1, name: dev-team, sink: { file: ${sink} } }
`,
  );
  const env = {
    WINDBREAK_KEYS: keysFile,
    WINDBREAK_ADMIN_SERVER: `127.0.0.1:${await freePort()}`,
    ADMIN_KEY: admin.adminKey,
  };
  const ran: Ran[] = [];
  const keys = async (line: string, words: Readonly<Record<string, string>> = {}) => {
    const one = await runCli(["keys", ...line.split(" ")], { ...env, ...words }, NOON);
    ran.push(one);
    return one;
  };
  /** All that was written so far, wherever. */
  const written = () => ran.map(({ stdout, stderr }) => stdout + stderr).join("");
  return { admin, keys, sink, keysFile, written };
}

/** What a running server answers at its admin port. @returns its address. */
async function seeing(answer: object | undefined): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(answer ? 200 : 404).end(JSON.stringify(answer ?? { error: "no such path" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe.each<Dialect>(["admin", "document"])("keys --upstream in the dialect %s", (dialect) => {
  test("are listed with their age and their last use", async () => {
    const { keys, admin } = await stage({ dialect, keys: [liveKey("a"), liveKey("b", { workspace: "w-else" })] });
    delete admin.keys[1]?.lastUsed;
    const { code, stdout, stderr } = await keys("list --upstream");
    expect([code, lines(stdout)]).toEqual([
      0,
      [
        "KEY  NAME  WORKSPACE  IN FORCE  MADE  ENDS  LAST USE",
        expect.stringMatching(/^id-a {2}a {2}dev {2}2026-11-12 {2}2026-11-21/),
        expect.stringMatching(/^id-b {2}b {2}(?:name of )?w-else {2}\? {2}2026-11-12 {2}never$/),
        "",
      ],
    ]);
    expect(stderr).toMatch(
      /^note: when keys were used last is Mistral's word alone: 127\.0\.0\.1:\d+: cannot be reached/,
    );
  });

  test("are audited: 1 where anything is found, 0 where nothing is", async () => {
    const { keys, admin } = await stage({
      dialect,
      keys: [
        liveKey("fine"),
        liveKey("idle", { lastUsed: ago(40) }),
        liveKey("old", { createdAt: ago(91) }),
        liveKey("twice"),
        liveKey("twice", { id: "id-2", workspace: "w-else" }),
      ],
    });
    const found = await keys("audit --upstream");
    expect(found.code).toBe(1);
    expect(lines(found.stdout).map((line) => line.split("  ").at(-1))).toEqual([
      "FOUND",
      expect.stringMatching(/^2026-11-21/),
      expect.stringMatching(/^unused for (?:39|40) d$/),
      "91 d old",
      "another key has its name",
      "in a workspace that the keys file does not know, another key has its name",
      "",
      "4 of 5 keys to look at",
      "",
    ]);
    expect((await keys("audit --upstream --unused 60d")).stdout).toContain("3 of 5 keys to look at");
    admin.keys.splice(1);
    const clean = await keys("audit --upstream");
    expect([clean.code, clean.stdout.endsWith("\nnothing found in 1 key\n")]).toEqual([0, true]);
  });

  test("are issued into the sink, listed, and revoked, and nobody sees the secret", async () => {
    const { keys, admin, sink, written } = await stage({ dialect });
    const issued = await keys("issue --upstream --workspace dev");
    const [made] = admin.keys;
    expect(issued).toEqual({
      code: 0,
      stdout: `made key ${made?.id}, named ${made?.name}, and put it into file ${sink}\n`,
      stderr: "",
    });
    expect(made).toMatchObject({
      workspace: "w-dev",
      name: expect.stringMatching(/^dev-team-20261122T120000Z-[0-9a-z]{4}$/),
    });
    expect(readFileSync(sink, "utf8").trim()).toBe(made?.secret);

    await keys("list --upstream --json");
    const kept = await keys(`revoke --upstream ${made?.id}`);
    expect([kept.code, admin.keys.length]).toEqual([2, 1]);
    expect(kept.stderr).toContain("or revoke it all the same by --yes");
    expect(await keys(`revoke --upstream ${made?.id} --yes`)).toMatchObject({
      code: 0,
      stdout: `revoked key ${made?.id}, named ${made?.name}\n`,
    });
    expect(admin.keys).toEqual([]);
    expect(written()).not.toContain(made?.secret);
    expect(written()).not.toContain(admin.adminKey);
  });

  test("are shown once where that is asked for, and put nowhere", async () => {
    const { keys, admin, sink } = await stage({ dialect });
    const { code, stdout, stderr } = await keys("issue --upstream --workspace dev --show");
    expect([code, stdout]).toEqual([0, `${admin.keys[0]?.secret}\n`]);
    expect(stderr).toMatch(/^made key .*; it is shown this once\n$/);
    expect(stderr).not.toContain(admin.keys[0]?.secret);
    expect(() => readFileSync(sink)).toThrow("ENOENT");
  });

  test.each([401, 403, 404])("are not available where the API answers %i: 3, and what to do", async (status) => {
    const { keys, admin } = await stage({ dialect, keys: [liveKey("a")] });
    for (const line of ["list --upstream", "audit --upstream", "revoke --upstream id-a --yes"]) {
      admin.trouble("list", { kind: "status", status });
      const { code, stdout, stderr } = await keys(line);
      expect([code, stdout]).toEqual([3, ""]);
      expect(stderr).toMatch(new RegExp(`^${admin.url}/api-keys answers ${status} \\(trouble\\); .+\n$`));
    }
  });
});

describe("keys --upstream", () => {
  test("tells the key in force, and its use as Windbreak saw it", async () => {
    const key = liveKey("a", { lastUsed: ago(60) });
    const { keys, sink } = await stage({ keys: [key] });
    writeFileSync(sink, key.secret);
    const seen = [
      { fingerprint: fingerprint(key.secret), workspaces: ["dev"], last_used: "2026-11-22T11:30:00Z", in_use: true },
    ];
    const at = await seeing({ since: "2026-11-01T00:00:00Z", callers: [], upstream: seen });
    const { code, stdout, stderr } = await keys("audit --upstream --json", { WINDBREAK_ADMIN_SERVER: at });
    expect([code, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout)).toEqual({
      keys: [
        {
          id: "id-a",
          name: "a",
          workspace: "dev",
          workspace_id: "w-dev",
          mask: "a-01...89-a",
          in_force: true,
          created_at: "2026-11-12T12:00:00.000Z",
          expires_at: null,
          last_used: "2026-11-22T11:30:00.000Z",
          never_used: false,
          found: [],
        },
      ],
    });
  });

  test("revokes a key that is not in force at once, and one that is only by --yes", async () => {
    const [inForce, other] = [liveKey("a"), liveKey("b")];
    const { keys, sink, admin } = await stage({ keys: [inForce, other] });
    writeFileSync(sink, inForce.secret);
    expect(await keys("revoke --upstream id-b")).toMatchObject({ code: 0, stdout: "revoked key id-b, named b\n" });
    expect(await keys("revoke --upstream id-a")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^id-a \(a\): calls are sent with this key; .*--yes\n$/),
    });
    expect(admin.keys.map(({ id }) => id)).toEqual(["id-a"]);
    expect(await keys("revoke --upstream id-b")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^id-b: Mistral lists no key/),
    });
  });

  test("does not put a key in the place of another unless told to", async () => {
    const { keys, sink, admin } = await stage();
    writeFileSync(sink, "the-key-that-is-in-use");
    const refused = await keys("issue --upstream --workspace dev");
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining(`file ${sink} holds a key already; `)]);
    expect(refused.stderr).not.toContain("the-key-that-is-in-use");
    expect(admin.keys).toEqual([]);
    expect((await keys("issue --upstream --workspace dev --yes")).code).toBe(0);
    expect(readFileSync(sink, "utf8").trim()).toBe(admin.keys[0]?.secret);
  });

  test("leaves no key behind that nobody holds", async () => {
    const { keys, admin } = await stage();
    admin.trouble("create", { kind: "lost" });
    const { code, stdout, stderr } = await keys("issue --upstream --workspace dev");
    expect([code, stdout, admin.keys]).toEqual([3, "", []]);
    expect(stderr).toContain("a key was made unseen, and is revoked");
    expect(admin.asked("create")).toBe(1);
  });

  test("takes names from the API for text, in tables and spreadsheets", async () => {
    const { keys } = await stage({ keys: [liveKey("a", { name: '=cmd|"/C calc"!A0\u001b[2J' })] });
    const csv = await keys("audit --upstream --csv");
    expect(csv.stdout).toBe(
      "id,name,workspace,workspace_id,mask,in_force,created_at,expires_at,last_used,found\r\n" +
        `id-a,"'=cmd|""/C calc""!A0\\u{1b}[2J",dev,w-dev,a-01...89-a,false,2026-11-12T12:00:00.000Z,,2026-11-21,\r\n`,
    );
    expect((await keys("list --upstream")).stdout).toContain('=cmd|"/C calc"!A0\\u{1b}[2J');
  });

  test("says where no key is, and that the server there tells nothing of keys", async () => {
    const { keys } = await stage();
    const ran = await keys("audit --upstream", { WINDBREAK_ADMIN_SERVER: await seeing(undefined) });
    expect([ran.code, ran.stdout]).toEqual([0, "there is no key\n"]);
    expect(ran.stderr).toMatch(/the server there does not tell of keys; run this version there\n$/);
  });

  test.each([
    ["list --callers --upstream", "--callers or --upstream: both given; "],
    ["list", "--callers or --upstream: missing; "],
    ["audit --upstream --unused soon", "--unused soon: no span; write it as 30d"],
    ["list --upstream --json --csv", "--csv: beside --json; choose one"],
    ["issue --upstream", "--workspace: missing; "],
    ["issue --upstream --workspace dve", "the keys file has no such workspace under upstream; did you mean dev?"],
  ])("is wrong usage as keys %s", async (line, fault) => {
    const { keys } = await stage();
    const { code, stdout, stderr } = await keys(line);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(fault)]);
  });

  test("is wrong configuration without a keys file, an admin key, or a workspace of the policy", async () => {
    const { keys, keysFile } = await stage();
    expect(await keys("list --upstream", { WINDBREAK_KEYS: "" })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--keys: missing; "),
    });
    expect(await keys("list --upstream", { ADMIN_KEY: "" })).toMatchObject({
      code: 2,
      stderr: "the variable ADMIN_KEY is empty; put the organization's admin key there\n",
    });
    const policy = policyFile('version: 1\nworkspaces: { prod: { models: ["*"] } }\n');
    expect(await keys(`list --upstream --policy ${policy}`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${keysFile}:8:3: upstream.dev: the policy has no workspace "dev"; `),
    });
    writeFileSync(keysFile, "version: 2\nmistral: { kye: 1 }\n");
    expect((await keys("list --upstream")).stderr.trimEnd().split("\n")).toHaveLength(3);
  });
});

describe("keys --callers", () => {
  const [ONE, TWO, THREE] = ["1", "2", "3"].map((digit) => digit.repeat(64));
  const POLICY = `version: 1
workspaces: { prod: { models: ["*"] } }
roles: { service: { models: ["*"] } }
principals:
  search:
    role: service
    workspace: prod
    credentials:
      - api_key_sha256: "${ONE}"   # key AAAAAAAA
      - api_key_sha256: "${TWO}"
  batch: { role: service, workspace: prod, credentials: [{ api_key_sha256: "${THREE}" }] }
`;
  const caller = (sha256: string | undefined, keyId: string | null, lastUsed: string | null) => ({
    key_id: keyId,
    api_key_sha256: sha256,
    principal: "p",
    last_used: lastUsed,
  });
  const SEEN = {
    since: "2026-10-01T00:00:00Z",
    upstream: [],
    callers: [
      caller(ONE, "AAAAAAAA", "2026-11-22T09:00:00.123Z"),
      caller(TWO, "BBBBBBBB", "2026-10-02T00:00:00Z"),
      caller(THREE, null, null),
    ],
  };
  const callers = async (line: string, seen: object | undefined = SEEN) =>
    runCli(["keys", ...line.split(" ")], {
      WINDBREAK_POLICY: policyFile(POLICY),
      WINDBREAK_ADMIN_SERVER: await seeing(seen),
    });

  test("are listed and audited by what a running server saw", async () => {
    const { code, stdout, stderr } = await callers("audit --callers");
    expect([code, stderr]).toEqual([1, ""]);
    expect(lines(stdout)).toEqual([
      "KEY  PRINCIPAL  WORKSPACE  LAST USE  FOUND",
      "AAAAAAAA  search  prod  2026-11-22 09:00",
      "BBBBBBBB  search  prod  2026-10-02 00:00  unused for 51 d",
      "sha256:333333333333  batch  prod  ?  not used since Windbreak looks, 2026-10-01",
      "",
      "2 of 3 keys to look at",
      "",
    ]);
  });

  test("are listed where no server tells of their use, which is said", async () => {
    const policy = policyFile(POLICY);
    const env = { WINDBREAK_ADMIN_SERVER: `127.0.0.1:${await freePort()}` };
    const { code, stdout, stderr } = await runCli(["keys", "audit", "--callers", "--policy", policy], env);
    expect([code, stdout]).toEqual([0, expect.stringContaining("nothing found in 3 keys")]);
    expect(stderr).toMatch(/^note: when callers' keys were used last is not known: /);
  });

  test.each([
    ["its id in the policy's comment", "AAAAAAAA", ":9: take out this line", "search has these keys: sha256:1"],
    ["its id as a server saw it", "BBBBBBBB", ":10: take out this line", "search has these keys: sha256:1"],
    ["the beginning of its hash", "sha256:333333333333", ":11: take out this line", "it is the only key of batch"],
  ])("are revoked by a line of the policy, found by %s", async (_, id, line, others) => {
    const { code, stdout } = await callers(`revoke --callers ${id}`);
    expect(code).toBe(0);
    expect(stdout).toContain(line);
    expect(stdout).toContain(others);
  });

  test("that nobody knows are not revoked", async () => {
    expect(await callers("revoke --callers CCCCCCCC")).toMatchObject({ code: 1, stdout: "" });
    const key = `wb_AAAAAAAA_${"x".repeat(49)}`;
    const whole = await callers(`revoke --callers ${key}`);
    expect([whole.code, whole.stdout + whole.stderr]).toEqual([2, expect.not.stringContaining("x".repeat(20))]);
  });
});
