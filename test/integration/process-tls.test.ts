import { chmodSync, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { Authority, putInPlace } from "../support/envoy/certificates.js";
import { askUntil } from "../support/redis/deadlines.js";
import { policyFile, runToEnd, startProcess } from "./running-process.js";
import { connect, temporaryDirectory } from "./running-service.js";
import { channelOf, NAMES, POLICY, QUESTION, shakeHands } from "./tls-stage.js";

const NOBODY = 65_534;

/** Start what cannot be started. @returns the lines on stderr. */
async function refused(flags: readonly string[], uid?: number): Promise<readonly string[]> {
  const { code, stderr } = await runToEnd(["serve", ...flags], { uid });
  expect(code).toBe(2);
  return stderr;
}

describe("a process with TLS", () => {
  it("takes up new certificates by itself, and ends in order", async () => {
    const authority = await Authority.create();
    const directory = temporaryDirectory();
    const files = { certificate: join(directory, "cert"), key: join(directory, "key") };
    await putInPlace(await authority.issue({ names: NAMES }), files);
    const flags = ["--tls-cert", files.certificate, "--tls-key", files.key, "--tls-client-ca"];
    const served = await startProcess(POLICY, { flags: [...flags, authority.root.files.certificate] });
    const shown = await authority.issue({ names: ["URI:spiffe://acme/a"] });
    const client = connect(`dns:${served.address}`, channelOf(authority, shown));
    expect(await client.authorize(QUESTION)).toMatchObject({ allowed: true });

    const next = await authority.issue({ names: [...NAMES, "DNS:next"] });
    await putInPlace(next, files);
    await served.line(/new TLS certificates are in force, until /);
    const port = Number(served.address.split(":")[1]);
    const ca = authority.root.certificate;
    const made = await shakeHands(port, { ca, cert: shown.certificate, key: shown.key });
    expect(typeof made !== "string" && made.getPeerCertificate().subjectaltname).toMatch(/DNS:next/);
    expect(await client.authorize(QUESTION)).toMatchObject({ allowed: true });

    const metrics = await askUntil(
      5_000,
      () => served.get("/metrics"),
      ({ status }) => status === 200,
    );
    expect(metrics.text).toMatch(/^windbreak_tls_certificate_expiry_seconds 1\d{9}$/m);
    served.kill("SIGTERM");
    expect((await served.ended()).code).toBe(0);
  });

  it("does not start with certificates that are of no use, and says so beside all else", async () => {
    const [policy, listen] = [
      ["--policy", policyFile(POLICY)],
      ["--listen", "127.0.0.1:0"],
    ];
    const flags = ["--tls-cert", "/no/cert", "--tls-key", "/no/key", "--admin-token-file", "/no/token"];
    expect(await refused([...policy, ...listen, ...flags])).toEqual([
      "TLS: /no/cert does not exist; give PEM files that this process may read",
      "admin token: /no/token does not exist; put one there, of visible ASCII",
    ]);
  });

  it.skipIf(process.getuid?.() !== 0)("does not start where it may not give its socket away", async () => {
    const directory = temporaryDirectory();
    chmodSync(directory, 0o777);
    const file = policyFile(POLICY);
    chmodSync(dirname(file), 0o755);
    const path = join(directory, "windbreak.sock");
    const flags = ["--policy", file, "--listen", `unix:${path}`, "--admin", "off"];
    expect(await refused([...flags, "--socket-owner", "root"], NOBODY)).toEqual([
      `unix:${path}: this process may not give the socket to another user; run it as that user and leave --socket-owner out, or grant it CAP_CHOWN`,
    ]);
    expect(existsSync(path)).toBe(false);
    expect(await refused([...flags, "--socket-group", "12345"], NOBODY)).toEqual([
      `unix:${path}: this process may not give the socket to the group; name a group of this process by --socket-group`,
    ]);
  });
});
