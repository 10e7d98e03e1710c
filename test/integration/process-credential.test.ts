import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { credentials, status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { parseApiKey } from "../../src/identity/api-key.js";
import { eventually } from "../support/eventually.js";
import { policyFile, runToEnd, startProcess } from "./running-process.js";
import { connect, statusOf, temporaryDirectory } from "./running-service.js";

const NOBODY = `version: 1
workspaces: { dev: { models: ["*"] } }
roles: { crew: { models: ["*"] } }
`;
const small = { model: "mistral-small-latest", input_tokens: 1, max_output_tokens: 1 };
const proving = { flags: ["--identity", "credential"] };

/** Issue a key by the command, and write a policy that lists it as the command says. */
async function issued() {
  const { stdout, stderr } = await runToEnd(["keys", "issue", "--callers", "--principal", "search"]);
  const key = stdout.trim();
  const rules = stderr.join("\n").replace("    credentials:", "    role: crew\n    workspace: dev\n    credentials:");
  return { key, policy: `${NOBODY}${rules}\n` };
}

describe("--identity credential", () => {
  it("takes a key that was issued, shown by the command too, and nobody without", async () => {
    const { key, policy } = await issued();
    expect(parseApiKey(key).kind).toBe("key");
    const { address, client, lines } = await startProcess(policy, proving);
    const own = connect(address, credentials.createInsecure(), `Bearer ${key}`);
    expect(await own.authorize(small)).toMatchObject({ allowed: true });
    expect(await statusOf(client.authorize(small))).toMatchObject({ code: status.UNAUTHENTICATED });

    const file = join(temporaryDirectory(), "key");
    writeFileSync(file, `${key}\n`);
    const ask = ["usage", "--server", address, "--model", "mistral-embed"];
    const shown = await runToEnd([...ask, "--credential-file", file]);
    expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining("search, crew in dev")]);
    expect(await runToEnd(ask)).toMatchObject({ code: 2, stderr: [expect.stringContaining("(UNAUTHENTICATED from ")] });
    expect(lines.join("\n")).not.toContain(key.slice(12, 40));
  });

  it("is not served by a policy under which nobody could prove anything, nor by one whose keys are not there", async () => {
    const fault = "principals: none lists credentials, and there is no trust rule";
    const serve = (policy: string) =>
      runToEnd([
        "serve",
        "--policy",
        policyFile(policy),
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "off",
        ...proving.flags,
      ]);
    expect(await serve(NOBODY)).toMatchObject({ code: 2, stderr: [expect.stringContaining(fault)] });
    const jwt = "{ issuer: i, audience: w, jwks: { file: /nowhere/jwks.json } }";
    const keyless = `${NOBODY}trust: [{ jwt: ${jwt}, principal: { claim: sub }, role: crew, workspace: dev }]\n`;
    expect(await serve(keyless)).toMatchObject({
      code: 2,
      stderr: [expect.stringContaining("the keys of issuer i: /nowhere/jwks.json does not exist; ")],
    });
  });

  it("keeps the policy in force where a reload would leave nobody", async () => {
    const { key, policy } = await issued();
    const { address, file, line } = await startProcess(policy, proving);
    writeFileSync(file, NOBODY);
    await line(/ error .*stays in force: .*none lists credentials/);
    const own = connect(address, credentials.createInsecure(), `Bearer ${key}`);
    expect(await own.authorize(small)).toMatchObject({ allowed: true });
  });

  it("has a line at the start and at each reload for a SPIFFE id that nobody can ever prove", async () => {
    const { policy } = await issued();
    const rule = `trust: [{ spiffe: "spiffe://acme/*", role: crew, workspace: dev }]\n`;
    const { file, line, lines } = await startProcess(policy + rule, proving);
    await line(/ warn .*policy\.yaml: trust\[0\]: a SPIFFE id that nobody can ever prove, because .*; give --tls-cert/);
    writeFileSync(file, `${policy}${rule}# saved again\n`);
    await eventually(async () => expect(lines.filter((one) => one.includes("nobody can ever prove"))).toHaveLength(2));
  });

  it("is not served where only certificates could prove anything, and nobody is asked for one", async () => {
    const file = policyFile(`${NOBODY}trust: [{ spiffe: "spiffe://acme/*", role: crew, workspace: dev }]\n`);
    const flags = ["--policy", file, "--listen", "127.0.0.1:0", "--admin", "off", ...proving.flags];
    const ended = await runToEnd(["serve", ...flags]);
    expect(ended).toMatchObject({ code: 2, stderr: [expect.stringContaining("nobody could call")] });
  });

  it("is what a policy with credentials is served by, or a line says that nobody asks for them", async () => {
    const { policy } = await issued();
    const { line } = await startProcess(policy);
    await line(/ warn .*callers are taken at their word all the same; give --identity credential/);
  });
});
