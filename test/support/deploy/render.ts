import { execFileSync, spawnSync } from "node:child_process";
import { realpathSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { pathOf } from "./at-hand.js";

export const DEPLOY = join(import.meta.dirname, "../../../deploy");
const CHART = join(DEPLOY, "helm/windbreak");

/** What can be built from deploy/kubernetes. */
export const OVERLAYS = ["sidecar", "sidecar-envoy", "shared", "gateway"] as const;
export type Overlay = (typeof OVERLAYS)[number];

/** The policy of all overlays. */
export const POLICY_FILE = join(DEPLOY, "kubernetes/base/policy.yaml");

/** How the chart renders what an overlay builds. */
export const VALUES: Readonly<Record<Overlay, readonly string[]>> = {
  sidecar: ["mode=sidecar"],
  "sidecar-envoy": ["mode=sidecar", "envoy.enabled=true"],
  shared: [],
  gateway: ["envoy.enabled=true"],
};

/** Build an overlay, as `kubectl apply -k` does. @throws Error with what kubectl said. */
export function kustomized(directory: string): string {
  return execFileSync(pathOf("kubectl"), ["kustomize", directory], { encoding: "utf8", stdio: "pipe" });
}

/** Where an overlay is. */
export function overlayAt(overlay: Overlay): string {
  return join(DEPLOY, "kubernetes/overlays", overlay);
}

/** Write a kustomization of an overlay whose Windbreak rotates keys. @returns the directory, to be built. */
export function withRotation(directory: string, overlay: Overlay): string {
  // Relative to where links lead, as kubectl reads it.
  const kubernetes = relative(realpathSync(directory), join(DEPLOY, "kubernetes"));
  const lines = [
    `resources: [${kubernetes}/overlays/${overlay}]`,
    `components: [${kubernetes}/components/key-rotation]`,
  ];
  writeFileSync(join(directory, "kustomization.yaml"), lines.join("\n"));
  return directory;
}

interface Release {
  /** `windbreak` when left out. */
  readonly release?: string;
  /** A text on one line; the policy of the overlays when left out. */
  readonly policy?: string;
}

/** Render the chart. @param values as `--set` takes them. @throws Error with what helm said. */
export function templated(values: readonly string[], { release = "windbreak", policy }: Release = {}): string {
  const given = policy === undefined ? POLICY_FLAG : ["--set-string", `policy=${policy}`];
  const rendered = helm(["template", release, CHART, ...given, ...setting(values)]);
  if (rendered.code !== 0) throw new Error(rendered.said);
  return rendered.text;
}

/** Have the chart refuse values. @returns what helm said; undefined where it renders them. */
export function refusalOf(values: readonly string[], flags: readonly string[] = POLICY_FLAG): string | undefined {
  const { code, said } = helm(["template", "windbreak", CHART, ...flags, ...setting(values)]);
  return code === 0 ? undefined : said;
}

const POLICY_FLAG = ["--set-file", `policy=${POLICY_FILE}`];

/** Look a chart over, with warnings as faults. @returns what helm said where something is wrong. */
export function lintFaults(): string | undefined {
  const { code, text, said } = helm(["lint", "--strict", CHART, ...POLICY_FLAG]);
  return code === 0 ? undefined : text + said;
}

/** What helm tells whoever installed it. */
export function notes(values: readonly string[]): string {
  const { text, said, code } = helm(["install", "w", CHART, "--dry-run=client", ...POLICY_FLAG, ...setting(values)]);
  if (code !== 0) throw new Error(said);
  return text.slice(text.indexOf("NOTES:"));
}

function setting(values: readonly string[]): readonly string[] {
  return values.flatMap((value) => ["--set", value]);
}

function helm(args: readonly string[]) {
  // No cluster is asked, whatever this machine's own configuration says.
  const env = { PATH: process.env["PATH"], HOME: "/nonexistent", KUBECONFIG: "/nonexistent" };
  const { status, stdout, stderr, error } = spawnSync(pathOf("helm"), args, { encoding: "utf8", env });
  if (error) throw error;
  return { code: status, text: stdout, said: stderr };
}
