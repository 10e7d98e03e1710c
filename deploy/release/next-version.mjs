import { existsSync, readFileSync, writeFileSync } from "node:fs";

// What `npm version` runs between the new version in package.json and the commit: what was unreleased becomes its part of
// the changelog, and the image that is asked for is its own.

const CHANGELOG = "CHANGELOG.md";
const UNRELEASED = "## Unreleased\n";
const NAMED_IN = [
  "deploy/compose/compose.yaml",
  "deploy/helm/windbreak/Chart.yaml",
  "deploy/kubernetes/overlays/shared/kustomization.yaml",
  "deploy/kubernetes/overlays/sidecar-envoy/kustomization.yaml",
  "deploy/kubernetes/overlays/sidecar/kustomization.yaml",
  "docs/compose.md",
  "docs/image.md",
  "docs/kubernetes.md",
];

// npm sets both.
const { npm_old_version: before = "", npm_new_version: version = "" } = process.env;

const text = readFileSync(CHANGELOG, "utf8");
const at = text.indexOf(UNRELEASED);
const rest = at < 0 ? "" : text.slice(at + UNRELEASED.length);
if (!/^\s*(###|-)/.test(rest)) {
  fail(`${CHANGELOG}: nothing is unreleased; write below "## Unreleased" what ${version} brings`);
}
const missing = NAMED_IN.find((file) => !existsSync(file) || !named().test(readFileSync(file, "utf8")));
if (missing) fail(`${missing}: names ${before} nowhere; take it off the list in deploy/release, or mend it`);

const day = new Date().toISOString().slice(0, 10);
writeFileSync(CHANGELOG, `${text.slice(0, at)}${UNRELEASED}\n## ${version} - ${day}\n${rest}`);
for (const file of NAMED_IN) writeFileSync(file, readFileSync(file, "utf8").replaceAll(named(), version));

/** The version before, and not a part of a longer one. */
function named() {
  return new RegExp(`(?<![\\d.])${before.replaceAll(".", "\\.")}(?!\\.?\\d)`, "g");
}

/** @param {string} line */
function fail(line) {
  console.error(line);
  process.exit(1);
}
