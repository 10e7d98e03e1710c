import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { fingerprintOf } from "../../src/domain/fingerprint.js";
import type { Dialect } from "../../src/domain/keys-file.js";
import { policyFile } from "../unit/commands/policy-files.js";
import { ago, keysStage, liveKey, seeing, tableLines } from "./keys-stage.js";

describe.each<Dialect>(["admin", "document"])("keys --upstream in the dialect %s", (dialect) => {
  test("are listed with their age and their last use", async () => {
    const { keys, admin } = await keysStage({ dialect, keys: [liveKey("a"), liveKey("b", { workspace: "w-else" })] });
    delete admin.keys[1]?.lastUsed;
    const { code, stdout, stderr } = await keys("list --upstream");
    expect([code, tableLines(stdout)]).toEqual([
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
    const { keys, admin } = await keysStage({
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
    expect(tableLines(found.stdout).map((line) => line.split("  ").at(-1))).toEqual([
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
    const { keys, admin, sink, written } = await keysStage({ dialect });
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
    const { keys, admin, sink } = await keysStage({ dialect });
    const { code, stdout, stderr } = await keys("issue --upstream --workspace dev --show");
    expect([code, stdout]).toEqual([0, `${admin.keys[0]?.secret}\n`]);
    expect(stderr).toMatch(/^made key .*; it is shown this once\n$/);
    expect(stderr).not.toContain(admin.keys[0]?.secret);
    expect(() => readFileSync(sink)).toThrow("ENOENT");
  });

  test.each([401, 403, 404])("are not available where the API answers %i: 3, and what to do", async (status) => {
    const { keys, admin } = await keysStage({ dialect, keys: [liveKey("a")] });
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
    const { keys, sink } = await keysStage({ keys: [key] });
    writeFileSync(sink, key.secret);
    const seen = [
      { fingerprint: fingerprintOf(key.secret), workspaces: ["dev"], last_used: "2026-11-22T11:30:00Z", in_use: true },
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
    const { keys, sink, admin } = await keysStage({ keys: [inForce, other] });
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

  test("does not repeat a key that was given in place of its id", async () => {
    const { keys, admin, written } = await keysStage({ keys: [liveKey("a")] });
    const { code, stderr } = await keys(`revoke --upstream ${liveKey("a").secret} --yes`);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^a key itself was given, .* give its id, id-a, /)]);
    expect([written().includes(liveKey("a").secret), admin.keys.length]).toEqual([false, 1]);
  });

  test("warns of files that others could read a key in, or write where keys go", async () => {
    const { keys, sink, keysFile } = await keysStage();
    chmodSync(dirname(keysFile), 0o755);
    for (const [file, mode] of [
      [keysFile, 0o646],
      [sink, 0o644],
      [`${sink}-admin`, 0o644],
      [`${sink}-vault`, 0o604],
    ] as const) {
      if (file !== keysFile) writeFileSync(file, "a-key-or-a-token");
      chmodSync(file, mode);
    }
    const text = readFileSync(keysFile, "utf8").replace("{ env: ADMIN_KEY }", `{ file: ${sink}-admin }`);
    const vault = `{ url: "http://127.0.0.1:1", path: a, token: { file: ${sink}-vault } }`;
    writeFileSync(keysFile, `${text}  qa: { workspace: w-qa, owner: u1, sink: { vault: ${vault} } }\n`);
    const { stderr } = await keys("list --upstream");
    const held = (file: string) =>
      `warning: ${file}: holds a secret, and every account of this machine can read it; chmod o-r it (Kubernetes: defaultMode: 0440)`;
    expect(stderr.split("\n").filter((line) => line.startsWith("warning: "))).toEqual([
      ...[`${sink}-admin`, sink, `${sink}-vault`].map(held),
      `warning: ${keysFile}: every account of this machine can write it, and have the admin key sent elsewhere or a program run; chmod o-w it, or the directory above that lets them`,
    ]);
  });

  test("does not put a key in the place of another unless told to", async () => {
    const { keys, sink, admin } = await keysStage();
    writeFileSync(sink, "the-key-that-is-in-use");
    const refused = await keys("issue --upstream --workspace dev");
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining(`file ${sink} holds a key already; `)]);
    expect(refused.stderr).not.toContain("the-key-that-is-in-use");
    expect(admin.keys).toEqual([]);
    expect((await keys("issue --upstream --workspace dev --yes")).code).toBe(0);
    expect(readFileSync(sink, "utf8").trim()).toBe(admin.keys[0]?.secret);
  });

  test("leaves no key behind that nobody holds", async () => {
    const { keys, admin } = await keysStage();
    admin.trouble("create", { kind: "lost" });
    const { code, stdout, stderr } = await keys("issue --upstream --workspace dev");
    expect([code, stdout, admin.keys]).toEqual([3, "", []]);
    expect(stderr).toContain("a key was made unseen, and is revoked");
    expect(admin.asked("create")).toBe(1);
  });

  test("takes names from the API for text, in tables and spreadsheets", async () => {
    const { keys } = await keysStage({ keys: [liveKey("a", { name: '=cmd|"/C calc"!A0\u001b[2J' })] });
    const csv = await keys("audit --upstream --csv");
    expect(csv.stdout).toBe(
      "id,name,workspace,workspace_id,mask,in_force,created_at,expires_at,last_used,found\r\n" +
        `id-a,"'=cmd|""/C calc""!A0\\u{1b}[2J",dev,w-dev,a-01...89-a,false,2026-11-12T12:00:00.000Z,,2026-11-21,\r\n`,
    );
    expect((await keys("list --upstream")).stdout).toContain('=cmd|"/C calc"!A0\\u{1b}[2J');
  });

  test("says where no key is, and that the server there tells nothing of keys", async () => {
    const { keys } = await keysStage();
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
    const { keys } = await keysStage();
    const { code, stdout, stderr } = await keys(line);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(fault)]);
  });

  test("knows the keys in force of two workspaces that share one of Mistral's", async () => {
    const { keys, sink, keysFile } = await keysStage({ keys: [liveKey("a"), liveKey("b")] });
    const text = readFileSync(keysFile, "utf8");
    writeFileSync(keysFile, `${text}  qa: { workspace: w-dev, owner: u1, sink: { file: ${sink}-qa } }\n`);
    writeFileSync(sink, liveKey("a").secret);
    writeFileSync(`${sink}-qa`, liveKey("b").secret);
    const { keys: rows } = JSON.parse((await keys("list --upstream --json")).stdout);
    expect(rows).toMatchObject([
      { id: "id-a", workspace: "dev, qa", in_force: true },
      { id: "id-b", workspace: "dev, qa", in_force: true },
    ]);
  });

  test("is wrong configuration without a keys file, an admin key, or a workspace of the policy", async () => {
    const { keys, keysFile } = await keysStage();
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
