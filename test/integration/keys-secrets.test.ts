import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { apiKeyHashOf, apiKeyOf } from "../support/api-keys.js";
import { policyFile } from "../unit/commands/policy-files.js";
import { keysStage, liveKey } from "./keys-stage.js";

const VAULT_TOKEN = "MARKVAULTTOKEN0123456789";
const ADMIN_TOKEN = "MARKADMINTOKEN0123456789";

const policyWith = (caller: string) => `version: 1
workspaces: { dev: { models: ["*"] }, vault: { models: ["*"] } }
roles: { crew: { models: ["*"] } }
principals: { ${caller}: { role: crew, workspace: dev, credentials: [{ api_key_sha256: "${apiKeyHashOf(caller)}" }] } }
`;

/** The stage with sinks of every kind that can be had here; nobody listens where Vault would. */
async function start() {
  const stage = await keysStage({ keys: [liveKey("a"), liveKey("b")] });
  const { keysFile, sink } = stage;
  const token = `${sink}-admin-token`;
  writeFileSync(token, ADMIN_TOKEN);
  writeFileSync(sink, liveKey("a").secret);
  // All that the program is given, for whoever looks at its process: arguments and environment; and that it reads the key.
  const program = `tr "\\\\0" "\\\\n" < /proc/self/environ > ${sink}-env; ps -o args= -p $$ > ${sink}-args; cat > ${sink}-key; cat ${sink}-key >&2`;
  const vault = `{ url: "http://127.0.0.1:1", path: a, token: { env: VAULT_TOKEN } }`;
  writeFileSync(
    keysFile,
    `${readFileSync(keysFile, "utf8")}  vault: { workspace: w-v, owner: u1, sink: { vault: ${vault} } }
  ops: { workspace: w-ops, owner: u1, sink: { command: [sh, -c, '${program}'] } }
`,
  );
  const words = { VAULT_TOKEN, WINDBREAK_ADMIN_TOKEN_FILE: token, PATH: process.env["PATH"] ?? "" };
  return { ...stage, keys: (line: string) => stage.keys(line, words) };
}

test("no command on keys says a secret, whatever it is asked, and whatever the servers answer", async () => {
  const { keys, admin, sink, keysFile, written } = await start();
  const policy = policyFile(policyWith("search"));
  const keySecrets: string[] = [];
  const issue = async (line: string) => {
    await keys(`issue --upstream ${line}`);
    keySecrets.push(...admin.keys.map(({ secret }) => secret));
  };
  for (const form of ["", " --json", " --csv"]) {
    await keys(`list --upstream${form}`);
    await keys(`audit --upstream${form}`);
    await keys(`audit --callers --policy ${policy}${form}`);
  }
  for (const workspace of ["dev", "vault", "ops"]) {
    await issue(`--workspace ${workspace}`);
    await issue(`--workspace ${workspace} --yes`);
    await issue(`--workspace ${workspace} --yes --json`);
  }
  for (const status of [400, 401, 404, 429, 500]) {
    const body = { detail: `no admin key: ${admin.adminKey}` };
    const headers = { "retry-after": "60" };
    for (const action of ["list", "create", "revoke"] as const)
      admin.trouble(action, { kind: "status", status, body, headers });
    await issue("--workspace dev --yes");
    await keys("revoke --upstream id-b --yes");
  }
  await keys(`revoke --upstream ${liveKey("a").secret}`);
  await keys(`revoke --callers --policy ${policy} ${apiKeyOf("search")}`);
  writeFileSync(keysFile, `version: 1\nmistral: { key: ${admin.adminKey}, url: "https://a:${admin.adminKey}@b" }\n`);
  await keys("list --upstream");

  const secrets = [...new Set(keySecrets), admin.adminKey, VAULT_TOKEN, ADMIN_TOKEN, apiKeyOf("search").slice(12, 40)];
  const key = readFileSync(`${sink}-key`, "utf8");
  expect(secrets).toContain(key);
  const seen = [written(), readFileSync(`${sink}-env`, "utf8"), readFileSync(`${sink}-args`, "utf8")].join("\n");
  for (const part of ["made key ", " answers 429", "\nPATH=", "sh -c "]) {
    expect(seen).toContain(part);
  }
  for (const secret of secrets) expect(seen.split("\n").filter((line) => line.includes(secret))).toEqual([]);
});
