import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { KubernetesSink } from "../../../../src/keys/sinks/kubernetes-sink.js";
import type { Answer } from "../../../support/mistral/replay-server.js";
import { KubernetesApi, status } from "../../../support/sinks/kubernetes-api.js";

const RULE = '{apiGroups: [""], resources: [secrets], resourceNames: [mistral], verbs: [get, patch]}';

function sinkOf({ url, account }: KubernetesApi, timeoutMs = 5_000): KubernetesSink {
  const place = { kind: "kubernetes", namespace: "ai", secret: "mistral", key: "dev", apiUrl: url, account } as const;
  return new KubernetesSink(place, { timeoutMs });
}

describe("a Secret of Kubernetes", () => {
  it("takes a key beside the others that it holds, and gives it back", async () => {
    const api = await KubernetesApi.start();
    const sink = sinkOf(api);
    expect(await sink.read()).toEqual({ kind: "empty" });
    expect(await sink.store("key-of-dev")).toEqual({ kind: "stored" });
    expect(await sink.read()).toEqual({ kind: "secret", secret: "key-of-dev" });
    expect(Object.keys(api.data).sort()).toEqual(["dev", "other"]);
    const patch = api.requests.find(({ method }) => method === "PATCH");
    expect(patch?.headers).toContainEqual(["content-type", "application/merge-patch+json"]);
    expect(JSON.parse(String(patch?.body))).toEqual({ data: { dev: "a2V5LW9mLWRldg==" } });
  });

  it("is asked with the pod's token as it is at each call", async () => {
    const api = await KubernetesApi.start();
    const sink = sinkOf(api);
    await sink.store("first");
    // Longer than any key is, as tokens of service accounts are.
    await api.renew(`ey.${"t".repeat(1_500)}`);
    expect(await sink.store("second")).toEqual({ kind: "stored" });
  });

  it("is asked once more where somebody else wrote at the same moment", async () => {
    const api = await KubernetesApi.start();
    api.fail(status(409, "Conflict"));
    expect(await sinkOf(api).store("key-of-dev")).toEqual({ kind: "stored" });
    expect(await sinkOf(api).read()).toEqual({ kind: "secret", secret: "key-of-dev" });
  });

  it.each<[string, readonly Answer[], string]>([
    ["forbids it", [status(403, "Forbidden")], `(403); bind a Role of namespace ai to it with ${RULE}`],
    ["has no such Secret", [status(404, "NotFound")], "kubectl -n ai create secret generic mistral"],
    ["is outrun twice", [status(409, "Conflict"), status(409, "Conflict")], `(409); ask again. A Role with ${RULE}`],
    ["does not know the pod", [status(401, "Unauthorized")], "automountServiceAccountToken: true"],
    ["holds the Secret fast", [status(422, "Invalid")], "an immutable Secret cannot be changed"],
    ["is broken", [status(500, "InternalError")], "answered 500"],
    ["cuts the connection", [{ kind: "cut" }], "cut the connection"],
    ["cuts its reply", [{ kind: "whole", headers: { "content-length": "9000" }, body: "{" }], "cut the connection"],
  ])("is not changed where the API %s, and the remedy is told", async (_, faults, words) => {
    const api = await KubernetesApi.start();
    api.fail(...faults);
    const stored = await sinkOf(api).store("key-of-dev");
    expect(stored.kind === "failed" && stored.why).toContain(words);
    expect(stored.kind === "failed" && stored.why).toContain("kubernetes ai/mistral dev: Kubernetes at 127.0.0.1:");
    expect(JSON.stringify(stored)).not.toMatch(/key-of-dev|a2V5LW9mLWRldg|pod-token/);
  });

  it("is given up where the API takes too long", async () => {
    const api = await KubernetesApi.start();
    api.fail({ kind: "stall" });
    const stored = await sinkOf(api, 50).store("key-of-dev");
    expect(stored.kind === "failed" && stored.why).toContain("did not answer within 50 ms");
  });

  it("is not asked of a server that the cluster's authority does not vouch for", async () => {
    const [api, other] = [await KubernetesApi.start(), await KubernetesApi.start()];
    const stored = await sinkOf({ url: api.url, account: other.account } as KubernetesApi).store("key-of-dev");
    expect(stored.kind === "failed" && stored.why).toContain("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    expect(api.requests).toEqual([]);
  });

  it.each(["token", "ca.crt"])("is not asked outside a pod, where there is no %s", async (name) => {
    const api = await KubernetesApi.start();
    await rm(join(api.account, name));
    const found = await sinkOf(api).read();
    expect(found.kind === "unreadable" && found.why).toContain(`${name} does not exist; run this in a pod`);
  });

  it("is not asked with a token that is none, which is not shown", async () => {
    const api = await KubernetesApi.start();
    await writeFile(join(api.account, "token"), "two words");
    const stored = await sinkOf(api).store("key-of-dev");
    expect(stored.kind === "failed" && stored.why).toContain("holds no token");
    expect(JSON.stringify(stored)).not.toContain("two words");
  });

  it("is unreadable where it is forbidden", async () => {
    const api = await KubernetesApi.start();
    api.fail(status(403, "Forbidden"));
    const found = await sinkOf(api).read();
    expect(found.kind === "unreadable" && found.why).toContain(RULE);
  });
});
