import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { formatAddress } from "../../src/transport/address.js";
import { Authority, putInPlace, type Subject } from "../support/envoy/certificates.js";
import { freePort } from "../support/redis/free-port.js";
import { runCli } from "../unit/commands/run-cli.js";
import { startServer } from "./cli-server.js";
import { startService, temporaryDirectory } from "./running-service.js";
import { POLICY, startTls, type TlsStage } from "./tls-stage.js";

const DAY_MS = 86_400_000;

/** Ask whether the server serves. */
function health({ port }: { readonly port: number }, ...flags: readonly string[]) {
  return runCli(["health", "--server", `127.0.0.1:${port}`, ...flags]);
}

const trusting = ({ authority }: TlsStage) => ["--tls-ca", authority.root.files.certificate];

describe("a command that asks by TLS", () => {
  it("is answered where it trusts the server", async () => {
    const stage = await startTls({ asksClients: false });
    expect(await health(stage, ...trusting(stage))).toEqual({ code: 0, stdout: "SERVING\n", stderr: "" });
  });

  it("is answered where it shows the certificate that is asked for", async () => {
    const stage = await startTls();
    const { files } = await stage.authority.issue();
    const shown = ["--tls-cert", files.certificate, "--tls-key", files.key];
    expect(await health(stage, ...trusting(stage), ...shown)).toEqual({ code: 0, stdout: "SERVING\n", stderr: "" });
  });

  it("may know the server by another name than that of its host", async () => {
    const stage = await startTls({ asksClients: false });
    await putInPlace(await stage.authority.issue({ names: ["DNS:windbreak.acme"] }), stage.files);
    await stage.look();
    const named = ["--tls-server-name", "windbreak.acme"];
    expect(await health(stage, ...trusting(stage), ...named)).toMatchObject({ code: 0, stderr: "" });
    const { code, stderr } = await health(stage, ...trusting(stage));
    expect(code).toBe(3);
    expect(stderr).toMatch(/\(its certificate names another host; name it by --tls-server-name\)/);
  });
});

describe("why a command is not answered by TLS", () => {
  it("is told where the server speaks TLS and the command does not, or the other way round", async () => {
    const stage = await startTls({ asksClients: false });
    const plain = await health(stage);
    expect(plain.code).toBe(3);
    expect(plain.stderr).toMatch(
      /^127\.0\.0\.1:\d+: cannot be reached \(it hung up; if it speaks TLS, give --tls-ca\); .*\n$/,
    );
    const { env } = await startServer();
    const port = Number(env.WINDBREAK_SERVER.split(":")[1]);
    const secured = await health({ port }, ...trusting(stage));
    expect(secured.code).toBe(3);
    expect(secured.stderr).toMatch(/\(what listens there speaks no TLS; leave out --tls-ca\)/);
  });

  it("is told where the server asks for a certificate, or does not take the one that is shown", async () => {
    const stage = await startTls();
    const silent = await health(stage, ...trusting(stage));
    expect(silent.code).toBe(3);
    expect(silent.stderr).toMatch(/it asks for a certificate, which --tls-cert and --tls-key show/);
    const { files } = await (await Authority.create()).issue();
    const foreign = await health(stage, ...trusting(stage), "--tls-cert", files.certificate, "--tls-key", files.key);
    expect(foreign.code).toBe(3);
    expect(foreign.stderr).toMatch(/it does not take the certificate of --tls-cert/);
  });

  test.each<[string, Subject, string]>([
    ["has expired", { valid: days(-2, -1) }, "its certificate has expired"],
    ["is not valid yet", { valid: days(1, 2) }, "its certificate is not valid yet"],
    ["is for clients alone", { usage: "clientAuth" }, "its certificate is not one of a server"],
  ])("is told where the server's certificate %s", async (_, subject, why) => {
    const stage = await startTls({ asksClients: false, subject });
    const { code, stderr } = await health(stage, ...trusting(stage));
    expect(code).toBe(3);
    expect(stderr).toContain(`(${why})`);
  });

  it("is told where another authority signed the server's certificate", async () => {
    const stage = await startTls({ asksClients: false });
    const other = await Authority.create();
    const { code, stderr } = await health(stage, "--tls-ca", other.root.files.certificate);
    expect(code).toBe(3);
    expect(stderr).toContain("(its certificate is not signed by who stands in --tls-ca)");
  });

  it("is told where a file is of no use, as wrong usage", async () => {
    const stage = await startTls({ asksClients: false });
    const rubbish = join(temporaryDirectory(), "rubbish");
    writeFileSync(rubbish, "rubbish");
    const none = await health(stage, "--tls-ca", rubbish);
    expect(none.code).toBe(2);
    expect(none.stderr).toBe(
      `--tls-ca: ${rubbish} holds no certificate in PEM; give PEM files that this process may read\n`,
    );
    const missing = await health(stage, ...trusting(stage), "--tls-cert", "/no/cert", "--tls-key", "/no/key");
    expect(missing).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^--tls-cert: \/no\/cert does not exist; /),
    });
  });
});

describe("a command that asks an admin port with a token", () => {
  it("shows the token that it is given, and is told where it has none or another", async () => {
    const file = join(temporaryDirectory(), "token");
    writeFileSync(file, "a-token-of-the-operators\n");
    const address = { kind: "tcp", host: "127.0.0.1", port: await freePort() } as const;
    await startService(POLICY, { admin: address, adminTokenFile: file });
    const usage = (...flags: readonly string[]) =>
      runCli(["usage", "--admin-server", formatAddress(address), ...flags]);
    expect(await usage("--admin-token-file", file)).toMatchObject({ code: 0, stderr: "" });

    const without = await usage();
    expect(without.code).toBe(2);
    expect(without.stderr).toMatch(
      /^127\.0\.0\.1:\d+: the admin port asks for its token; give --admin-token-file FILE /,
    );
    const wrong = join(temporaryDirectory(), "wrong");
    writeFileSync(wrong, "another-token-of-nobody");
    expect((await usage("--admin-token-file", wrong)).code).toBe(2);
    expect((await usage("--admin-token-file", "/no/token")).stderr).toBe(
      "--admin-token-file /no/token: does not exist; put the admin port's token there\n",
    );
  });
});

function days(from: number, until: number) {
  return { from: new Date(Date.now() + from * DAY_MS), until: new Date(Date.now() + until * DAY_MS) };
}
