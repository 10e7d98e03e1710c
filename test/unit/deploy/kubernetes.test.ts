import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { parseDuration } from "../../../src/domain/duration.js";
import { loadPolicy } from "../../../src/policy/load-policy.js";
import { VERSION } from "../../../src/version.js";
import { pathOf } from "../../support/deploy/at-hand.js";
import { describeDeploy } from "../../support/deploy/describe-deploy.js";
import {
  type Container,
  containersOf,
  type KubernetesObject,
  objectOf,
  objectsIn,
  type PodSpec,
  podOf,
  windbreakIn,
} from "../../support/deploy/objects.js";
import { DEPLOY, kustomized, OVERLAYS, type Overlay, overlayAt, withRotation } from "../../support/deploy/render.js";

/** The oldest that the manifests are for, the first with sidecars, and the newest whose schemas are at hand. */
const VERSIONS = ["1.29.0", "1.37.0"];

/** An application that asks a sidecar, at its least. */
const OWN = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: search, labels: { windbreak: "true" } }
spec:
  selector: { matchLabels: { app: search } }
  template:
    metadata: { labels: { app: search } }
    spec:
      containers:
        - name: search
          image: search
          volumeMounts: [{ name: windbreak-callers, mountPath: /run/windbreak }]
`;

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), "rendered-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** Hold a rendering against the schemas of Kubernetes. @returns everything that it says but that an object passed. */
function complaints(text: string, version: string): readonly string[] {
  const file = join(temporary(), "rendered.yaml");
  writeFileSync(file, text);
  const { stdout, stderr } = spawnSync(pathOf("kubernetes-validate"), ["--strict", "-k", version, file], {
    encoding: "utf8",
  });
  return `${stdout}${stderr}`.split("\n").filter((line) => line !== "" && !line.startsWith("INFO "));
}

const podsOf = (objects: readonly KubernetesObject[]) =>
  objects.filter(({ kind }) => kind === "Deployment").map((object) => podOf(object));

function portsOf(pod: PodSpec): readonly string[] {
  return containersOf(pod).flatMap(({ ports = [] }) => ports.map(({ name }) => name));
}

/** What a container is told by a flag or its variable. */
function told({ args, env = [] }: Container, flag: string): string | undefined {
  const variable = `WINDBREAK_${flag.toUpperCase().replaceAll("-", "_")}`;
  const given = args.find((arg) => arg.startsWith(`--${flag}=`));
  return given?.slice(flag.length + 3) ?? env.find(({ name }) => name === variable)?.value;
}

const texts = new Map<Overlay, string>();

/** Build an overlay, once. Not before a test runs: where kubectl is missing, none does. */
function textOf(overlay: Overlay): string {
  const text = texts.get(overlay) ?? kustomized(overlayAt(overlay));
  texts.set(overlay, text);
  return text;
}

const builtOf = (overlay: Overlay) => objectsIn(textOf(overlay));

describeDeploy("the manifests for Kubernetes", () => {
  it.each(VERSIONS)("are what Kubernetes %s knows, field by field", (version) => {
    expect(complaints(OVERLAYS.map(textOf).join("\n---\n"), version)).toEqual([]);
    // The judge itself can say no.
    const spoilt = textOf("sidecar").replace("readOnlyRootFilesystem", "readOnlyRootFileSystem");
    expect(complaints(spoilt, version).join()).toMatch(/readOnlyRootFileSystem/);
  });

  it.each(OVERLAYS)("%s runs without rights: not as root, nothing writable, no capabilities, no token", (overlay) => {
    const objects = builtOf(overlay);
    for (const pod of podsOf(objects)) {
      expect(pod.automountServiceAccountToken).toBe(false);
      expect(pod.securityContext).toEqual({ fsGroup: 65_532, seccompProfile: { type: "RuntimeDefault" } });
      for (const { securityContext, resources } of containersOf(pod)) {
        expect(securityContext).toMatchObject({
          runAsNonRoot: true,
          runAsUser: 65_532,
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
        expect(resources).toMatchObject({
          requests: { cpu: expect.anything() },
          limits: { memory: expect.anything() },
        });
        expect(resources.limits).not.toHaveProperty("cpu");
      }
    }
  });

  it.each(OVERLAYS)(
    "%s mounts whole directories, of volumes that there are, and secrets for its group alone",
    (overlay) => {
      const objects = builtOf(overlay);
      for (const pod of podsOf(objects)) {
        const volumes = pod.volumes.map(({ name }) => name);
        const mounted = containersOf(pod).flatMap(({ volumeMounts }) => volumeMounts);
        expect(mounted.filter(({ subPath }) => subPath !== undefined)).toEqual([]);
        expect([...new Set(mounted.map(({ name }) => name))].sort()).toEqual([...volumes].sort());
        for (const { secret, configMap } of pod.volumes) {
          if (secret) expect(secret.defaultMode).toBe(0o440);
          if (configMap) expect(() => objectOf(objects, "ConfigMap", configMap.name)).not.toThrow();
        }
      }
    },
  );

  it.each(OVERLAYS)("%s has selectors that find pods, and names of ports that these have", (overlay) => {
    const objects = builtOf(overlay);
    const pods = objects.flatMap(({ spec }) => (spec?.template ? [spec.template] : []));
    const selectors = objects.flatMap(({ kind, spec }) => {
      const labels = kind === "Service" ? spec?.selector : (spec?.selector ?? spec?.podSelector)?.matchLabels;
      return labels ? [{ kind, labels, rules: spec?.ingress ?? [] }] : [];
    });
    expect(selectors.length).toBeGreaterThan(2);
    for (const { labels, rules } of selectors) {
      const found = pods.filter(({ metadata }) =>
        Object.entries(labels).every(([name, value]) => metadata.labels[name] === value),
      );
      expect(found.length).toBeGreaterThan(0);
      const named = rules.flatMap(({ ports = [] }) => ports.map(({ port }) => port));
      for (const port of named) expect(found.flatMap(({ spec }) => portsOf(spec))).toContain(port);
    }
  });

  it.each(OVERLAYS)("%s lets nobody through a network policy whose peers or ports are left open", (overlay) => {
    const objects = builtOf(overlay);
    const rules = objects.flatMap(({ kind, spec }) =>
      kind === "NetworkPolicy" ? [...(spec?.ingress ?? []), ...(spec?.egress ?? [])] : [],
    );
    expect(rules.length).toBeGreaterThan(0);
    for (const { from, to, ports } of rules) {
      expect((from ?? to ?? []).filter((peer) => Object.keys(peer).length > 0)).toEqual(from ?? to);
      expect((from ?? to ?? []).length).toBeGreaterThan(0);
      expect((ports ?? []).length).toBeGreaterThan(0);
    }
  });

  it.each(OVERLAYS)("%s has a policy that is in order, with the principal that its callers are", (overlay) => {
    const objects = builtOf(overlay);
    const { container } = windbreakIn(objects);
    const { data } = objectOf(objects, "ConfigMap", "windbreak-policy");
    const loaded = loadPolicy(Buffer.from(data?.["policy.yaml"] ?? ""), "policy.yaml");
    if (loaded.kind === "faulty") throw new Error(JSON.stringify(loaded.faults));
    expect(loaded.warnings).toEqual([]);
    const fixed = /^fixed:(.+)$/.exec(told(container, "identity") ?? "")?.[1];
    if (fixed !== undefined) expect(loaded.policy.principals.has(fixed)).toBe(true);
    else expect(told(container, "identity")).toBe("credential");
  });

  it.each(OVERLAYS)("%s gives Windbreak the time that it takes to drain, and some seconds more", (overlay) => {
    const objects = builtOf(overlay);
    const { pod, container } = windbreakIn(objects);
    const ms = (flag: string) => parseDuration(told(container, flag) ?? "0s") ?? Number.NaN;
    expect(pod.terminationGracePeriodSeconds * 1_000).toBeGreaterThanOrEqual(
      ms("drain-delay") + ms("drain-grace") + 10_000,
    );
  });

  it("keep the socket that hands out keys, and the admin port's, from the application", () => {
    const objects = builtOf("sidecar-envoy");
    const { pod, container } = windbreakIn(objects);
    const [application] = pod.containers;
    const seen = application?.volumeMounts.map(({ name }) => name);
    expect(seen).toEqual(["windbreak-callers"]);
    const volumeAt = (address = "") =>
      container.volumeMounts.find(({ mountPath }) => address.startsWith(`unix:${mountPath}/`))?.name;
    expect(volumeAt(told(container, "listen"))).toBe("windbreak-callers");
    expect(volumeAt(told(container, "listen-envoy"))).toBe("windbreak-envoy");
    expect(volumeAt(told(container, "admin"))).toBe("windbreak-state");
  });

  it("start Windbreak before Envoy and both before the application, and so end them the other way round", () => {
    const objects = builtOf("sidecar-envoy");
    const { pod } = windbreakIn(objects);
    const sidecars = (pod.initContainers ?? []).map(({ name, restartPolicy }) => `${name} ${restartPolicy}`);
    expect(sidecars).toEqual(["windbreak Always", "envoy Always"]);
  });

  it("put a sidecar beside an application of one's own, as the docs show", () => {
    const directory = temporary();
    const shown = /```yaml\n(resources: .+?)```/s.exec(
      readFileSync(join(DEPLOY, "../docs/kubernetes.md"), "utf8"),
    )?.[1];
    // Relative to where links lead, as kubectl reads it.
    const there = relative(realpathSync(directory), join(DEPLOY, ".."));
    writeFileSync(
      join(directory, "kustomization.yaml"),
      (shown ?? "").replaceAll("windbreak/deploy", `${there}/deploy`),
    );
    writeFileSync(join(directory, "policy.yaml"), "version: 1\n");
    writeFileSync(join(directory, "deployment.yaml"), OWN);
    const objects = objectsIn(kustomized(directory));
    const { pod, container } = windbreakIn(objects);
    expect(container.image).toBe(`registry.acme.example/windbreak:${VERSION}`);
    expect(container.env).toEqual([{ name: "WINDBREAK_IDENTITY", value: "fixed:search-service" }]);
    expect(container.args).toContain("--listen=unix:/run/windbreak/windbreak.sock");
    expect(pod.containers.map(({ name }) => name)).toEqual(["search"]);
    expect(objectOf(objects, "ConfigMap", "windbreak-policy").data).toEqual({ "policy.yaml": "version: 1\n" });
  });

  it.each(["shared", "gateway"] as const)(
    "let %s rotate keys into one Secret, and do nothing else in the cluster",
    (overlay) => {
      const text = kustomized(withRotation(temporary(), overlay));
      for (const version of VERSIONS) expect(complaints(text, version)).toEqual([]);
      const objects = objectsIn(text);
      expect(objectOf(objects, "Role", "windbreak-keys").rules).toEqual([
        { apiGroups: [""], resources: ["secrets"], resourceNames: ["windbreak-mistral"], verbs: ["get", "patch"] },
      ]);
      const { subjects } = objectOf(objects, "RoleBinding", "windbreak-keys");
      for (const { kind, name } of subjects ?? []) expect(() => objectOf(objects, kind, name)).not.toThrow();
      const { pod, container } = windbreakIn(objects);
      expect(pod.automountServiceAccountToken).toBe(false);
      const keys = pod.volumes.find(({ name }) => name === "windbreak-keys")?.configMap?.name ?? "";
      const sunk = parse(objectOf(objects, "ConfigMap", keys).data?.["keys.yaml"] ?? "").upstream.reviews.sink;
      expect(sunk.kubernetes.secret).toBe("windbreak-mistral");
      expect(told(container, "rotate")).toBe("0 3 * * *");
    },
  );

  it("take Envoy's bootstraps as they are shipped", () => {
    const objects = builtOf("gateway");
    const config = objects.find(({ metadata }) => metadata.name.startsWith("windbreak-envoy-"));
    for (const name of ["sidecar.yaml", "gateway.yaml"]) {
      expect(config?.data?.[name]).toBe(readFileSync(join(DEPLOY, "envoy", name), "utf8"));
    }
  });
});
