import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { describeDeploy } from "../../support/deploy/describe-deploy.js";
import { type KubernetesObject, objectOf, objectsIn, windbreakIn } from "../../support/deploy/objects.js";
import {
  DEPLOY,
  kustomized,
  lintFaults,
  notes,
  OVERLAYS,
  overlayAt,
  refusalOf,
  templated,
  VALUES,
} from "../../support/deploy/render.js";

/** By name, whatever the order, with lists of named things in the order of their names. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(sorted);
    return items.every(isNamed) ? items.sort((a, b) => (a.name < b.name ? -1 : 1)) : items;
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, ORDERED.has(key) ? one : sorted(one)]),
  );
}

/** Lists whose order counts. */
const ORDERED: ReadonlySet<string> = new Set(["initContainers", "args", "command"]);

function isNamed(value: unknown): value is { readonly name: string } {
  return typeof value === "object" && value !== null && "name" in value;
}

/**
 * What a cluster would make of them. Both see to it that a new configuration of Envoy is a rollout, each in its way:
 * kustomize by a hash in the name, Helm by an annotation.
 */
function meaning(text: string): Readonly<Record<string, unknown>> {
  const same = text
    .replaceAll(/windbreak-envoy-[a-z0-9]{10}\b/g, "windbreak-envoy")
    .replaceAll(/annotations:\s*(?:\{ )?checksum\/envoy: [0-9a-f]{64}(?: \})?/g, "");
  const named = objectsIn(same).map((object) => [`${object.kind} ${object.metadata.name}`, inOrder(object)] as const);
  return Object.fromEntries(named);
}

function inOrder(object: KubernetesObject): unknown {
  return sorted({ ...object, spec: sorted(withSortedSidecars(object)) });
}

/** Inside a sidecar, order counts no more than elsewhere. */
function withSortedSidecars({ spec }: KubernetesObject): unknown {
  const { template } = spec ?? {};
  const sidecars = template?.spec.initContainers;
  if (!template || !sidecars) return spec;
  return { ...spec, template: { ...template, spec: { ...template.spec, initContainers: sidecars.map(sorted) } } };
}

describeDeploy("the chart", () => {
  it.each(OVERLAYS)("renders what kustomize builds of %s", (overlay) => {
    const chart = meaning(templated(VALUES[overlay]));
    expect(Object.keys(chart).length).toBeGreaterThan(3);
    expect(chart).toEqual(meaning(kustomized(overlayAt(overlay))));
  });

  it("renders the PodMonitor of kustomize's component", () => {
    const component = objectOf(objectsIn(kustomized(monitored())), "PodMonitor", "windbreak");
    const chart = objectOf(objectsIn(templated(["podMonitor.enabled=true"])), "PodMonitor", "windbreak");
    expect(chart).toEqual(component);
  });

  it("passes helm's own judgement without a warning", () => {
    expect(lintFaults()).toBeUndefined();
  });

  it.each([
    ["replica=3", "additional properties 'replica' not allowed"],
    ["shared.replicas=0", "/shared/replicas"],
    ["shared.replicas=three", "/shared/replicas"],
    ["mode=daemon", "/mode"],
    ["sidecar.principal=", "/sidecar/principal"],
    ["envoy.peer=envoy", "/envoy/peer"],
    ["secrets.redis=Redis_URL", "/secrets/redis"],
    ["extraArgs={serve}", "/extraArgs/0"],
    ["shared.resources.limits.memory=lots", "/shared/resources/limits/memory"],
    // Whoever takes the peers away must not open the port to everybody.
    ["networkPolicy.callers=null", "missing property 'callers'"],
    ["networkPolicy.monitoring={}", "/networkPolicy/monitoring"],
    ["mode=sidecar,podMonitor.enabled=true", "podMonitor needs mode shared"],
    ["policyConfigMap=other", "policy and policyConfigMap are both given"],
  ])("refuses %s", (value, why) => {
    expect(refusalOf([value])).toContain(why);
  });

  it("refuses to be installed without a policy", () => {
    expect(refusalOf([], [])).toContain("no policy; give --set-file policy=policy.yaml");
    expect(refusalOf(["policyConfigMap=other"], [])).toBeUndefined();
  });

  it("calls all of a release by its name, also where it is the application's", () => {
    const objects = objectsIn(templated(VALUES.sidecar, { release: "ci-reviewer" }));
    const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
    const gateway = objectsIn(templated([...VALUES.gateway, "envoy.trustDomain=globex"], { release: "guard" }));
    const config = objectOf(gateway, "ConfigMap", "guard-envoy").data?.["gateway.yaml"] ?? "";
    expect(config).toMatch(/address: guard, port_value: 50052/);
    expect(config).toMatch(/prefix: "spiffe:\/\/globex\/"/);
  });

  it("changes no pod where the policy alone is another, so that nothing restarts", () => {
    const pods = (values: readonly string[], policy: string) =>
      objectsIn(templated(values, { policy })).filter(({ kind }) => kind !== "ConfigMap");
    for (const overlay of OVERLAYS) {
      expect(pods(VALUES[overlay], "version: 1")).toEqual(pods(VALUES[overlay], "version: 2"));
    }
  });

  it("takes an image by its digest", () => {
    const digest = `sha256:${"0".repeat(64)}`;
    const { container } = windbreakIn(objectsIn(templated([`image.digest=${digest}`, "image.tag=1.2.3"])));
    expect(container.image).toBe(`windbreak@${digest}`);
    expect(windbreakIn(objectsIn(templated(["image.tag=1.2.3"]))).container.image).toBe("windbreak:1.2.3");
  });

  it("names the principal of a sidecar to Windbreak and to Envoy alike", () => {
    const objects = objectsIn(templated([...VALUES["sidecar-envoy"], "sidecar.principal=search-service"]));
    expect(windbreakIn(objects).container.env).toContainEqual({
      name: "WINDBREAK_IDENTITY",
      value: "fixed:search-service",
    });
    const config = objectOf(objects, "ConfigMap", "windbreak-envoy").data?.["sidecar.yaml"];
    expect(config).toContain("windbreak.principal: search-service");
  });

  it("lets sidecars share Redis, and says so where they do not and are several", () => {
    const shared = objectsIn(templated(["mode=sidecar", "sidecar.redis=true"]));
    const { pod, container } = windbreakIn(shared);
    expect(container.env).toContainEqual({ name: "WINDBREAK_REDIS_FILE", value: "/etc/windbreak/redis/url" });
    expect(pod.volumes.map(({ name }) => name)).toContain("windbreak-redis");
    const { spec } = objectOf(shared, "NetworkPolicy", "ci-reviewer");
    expect(spec?.egress?.flatMap(({ ports }) => ports)).toContainEqual(expect.objectContaining({ port: 6379 }));
    expect(notes(["mode=sidecar", "sidecar.application.replicas=3"])).toMatch(/a ceiling is 3 ceilings/);
  });

  it.each(OVERLAYS)("tells whoever installs %s which secrets it waits for", (overlay) => {
    const { pod } = windbreakIn(objectsIn(templated(VALUES[overlay])));
    const told = notes(VALUES[overlay]);
    for (const { secret } of pod.volumes) if (secret) expect(told).toContain(secret.secretName);
  });

  it("says of every value what it is for", () => {
    const lines = readFileSync(join(DEPLOY, "helm/windbreak/values.yaml"), "utf8").split("\n");
    const keys = lines.flatMap((line, nth) => (/^[a-z]\w*:/.test(line) ? [{ line, above: lines[nth - 1] ?? "" }] : []));
    expect(keys.length).toBeGreaterThan(8);
    expect(keys.filter(({ above }) => !above.startsWith("# "))).toEqual([]);
  });
});

/** The shared service with the component. @returns where it is built from. */
function monitored(): string {
  const directory = mkdtempSync(join(tmpdir(), "monitored-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const there = relative(realpathSync(directory), join(DEPLOY, "kubernetes"));
  const text = `resources: [${there}/overlays/shared]\ncomponents: [${there}/components/pod-monitor]\n`;
  writeFileSync(join(directory, "kustomization.yaml"), text);
  return directory;
}
