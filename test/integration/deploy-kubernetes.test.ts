import { execFile } from "node:child_process";
import { expect, it } from "vitest";
import { describeDeploy } from "../support/deploy/describe-deploy.js";
import { kustomized, overlayAt, templated, VALUES, withRotation } from "../support/deploy/render.js";
import { Authority } from "../support/envoy/certificates.js";
import { askUntil, inTime } from "../support/redis/deadlines.js";
import { describeWith } from "../support/redis/describe-with.js";
import { startRedis } from "../support/redis/redis-server.js";
import { type Secrets, startDeployed, withProgram } from "./deployed.js";
import { revisionOf } from "./running-process.js";
import { afterwards, connect, temporaryDirectory } from "./running-service.js";
import { channelOf } from "./tls-stage.js";

const DEADLINE_MS = 10_000;
const TOKEN = "0123456789abcdef0123456789abcdef";
const MISTRAL: Secrets = { "windbreak-mistral": { key: "mistral-key\n" } };
const SEARCH = "spiffe://acme/ns/search/sa/search-service";
const question = { model: "mistral-embed", input_tokens: 10 };

/** The Secrets that a cluster's operator makes for the shared service. */
async function sharedSecrets(authority: Authority): Promise<Secrets> {
  const redis = await startRedis();
  const { certificate, key } = await authority.issue({ names: ["IP:127.0.0.1", "DNS:windbreak"] });
  return {
    ...MISTRAL,
    "windbreak-tls": { "tls.crt": certificate, "tls.key": key, "ca.crt": authority.root.certificate },
    "windbreak-redis": { url: `${redis.url}/0\n` },
    "windbreak-admin": { token: `${TOKEN}\n` },
  };
}

describeDeploy("the sidecar's container", () => {
  it("comes to readiness by its own probes, and answers the example application", async () => {
    const { container, pod, probe, moved, kill, ended } = await startDeployed(kustomized(overlayAt("sidecar")));
    expect(await probe(container.readinessProbe)).toBe(true);
    expect(await probe(container.livenessProbe)).toBe(true);

    const [application] = pod.containers;
    if (!application) throw new Error("there is no application");
    const example = execFile(process.execPath, ["-e", ...withProgram(application, moved)]);
    afterwards(() => example.kill("SIGKILL"));
    let said = "";
    example.stdout?.on("data", (text) => {
      said += text;
    });
    await askUntil(
      DEADLINE_MS,
      async () => said,
      (text) => /allowed/i.test(text),
    );
    const over = new Promise((resolve) => example.once("exit", resolve));
    example.kill("SIGTERM");
    expect(await inTime(DEADLINE_MS, "the application's end", over)).toBe(0);

    kill("SIGTERM");
    expect((await ended()).code).toBe(0);
  });

  it("takes up a new policy by the swap of its volume, without a restart", async () => {
    const { address, policy, swap, line } = await startDeployed(kustomized(overlayAt("sidecar")));
    const client = connect(address);
    const review = { model: "codestral-latest", input_tokens: 10, max_output_tokens: 10, dry_run: true };
    expect(await client.authorize(review)).toMatchObject({ allowed: true, policy_revision: revisionOf(policy) });
    const next = policy.replace("usd_per_month: 50", "usd_per_month: 0.000001");
    swap("/etc/windbreak/policy", { "policy.yaml": next });
    await line(new RegExp(`policy ${revisionOf(next)} is in force, after ${revisionOf(policy)}`));
    expect(await client.authorize(review)).toMatchObject({ allowed: false, policy_revision: revisionOf(next) });
  });
});

describeWith(["redis-server"], "with Redis", () => {
  describeDeploy("a container that shares its counters", () => {
    it("comes to readiness by its own probes as a service, and decides for who proves itself by a certificate", async () => {
      const authority = await Authority.create();
      const deployed = await startDeployed(kustomized(overlayAt("shared")), await sharedSecrets(authority));
      const { container, address, admin, probe, kill, ended } = deployed;
      expect(await probe(container.readinessProbe)).toBe(true);
      expect(await probe(container.livenessProbe)).toBe(true);

      const there = address.replace("0.0.0.0", "127.0.0.1");
      const search = await authority.issue({ names: [`URI:${SEARCH}`] });
      const client = connect(`dns:${there}`, channelOf(authority, search));
      expect(await client.authorize(question)).toMatchObject({ allowed: true, degraded: false });
      await expect(connect(`dns:${there}`, channelOf(authority)).authorize(question)).rejects.toThrow();

      const limits = `http://${admin.replace("0.0.0.0", "127.0.0.1")}/v1/limits`;
      expect((await fetch(limits)).status).toBe(401);
      expect((await fetch(limits, { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(200);

      // It says at once that it ends, and takes calls for --drain-delay; a second signal spares the test that time.
      kill("SIGTERM");
      await askUntil(
        DEADLINE_MS,
        () => probe(container.readinessProbe),
        (isReady) => !isReady,
      );
      expect(await client.authorize(question)).toMatchObject({ allowed: true });
      kill("SIGTERM");
      expect((await ended()).code).toBe(143);
    });

    it("serves Envoy too, and counts in Redis, beside an application", async () => {
      const { container, address, probe, line } = await startDeployed(
        templated([...VALUES["sidecar-envoy"], "sidecar.redis=true"]),
        await sharedSecrets(await Authority.create()),
      );
      await line(/listening for Envoy on unix:/);
      await line(/counters live in redis:/);
      expect(await probe(container.readinessProbe)).toBe(true);
      const review = { model: "codestral-latest", input_tokens: 10, max_output_tokens: 10 };
      expect(await connect(address).authorize(review)).toMatchObject({ allowed: true, degraded: false });
    });

    it("rotates keys behind a gateway, by a keys file that is in order", async () => {
      const secrets = await sharedSecrets(await Authority.create());
      const rotating = kustomized(withRotation(temporaryDirectory(), "gateway"));
      const { container, probe, line } = await startDeployed(rotating, {
        ...secrets,
        "windbreak-admin-key": { key: "admin-key\n" },
      });
      await line(/keys of 1 workspace are rotated as they are due/);
      expect(await probe(container.readinessProbe)).toBe(true);
    });

    it("serves Envoy too, behind a gateway", async () => {
      const secrets = await sharedSecrets(await Authority.create());
      const { container, probe, line } = await startDeployed(kustomized(overlayAt("gateway")), secrets);
      await line(/listening for Envoy on 0\.0\.0\.0:/);
      expect(await probe(container.readinessProbe)).toBe(true);
    });
  });
});
