import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

// `npm run sbom`: what ships and from whom, as CycloneDX. npm's own `--omit dev` leaves out whatever a development
// dependency needs too (npm 11: 50 of 82), so everything is asked for, and what ships is found from where it begins.

/** Development dependencies of which the build copies a part into what ships. */
const COPIED = ["uplot"];

/**
 * @typedef {{ "bom-ref": string, name: string }} Component
 * @typedef {object} Sbom
 * @property {string} [serialNumber]
 * @property {{ timestamp?: string, component: Component }} metadata
 * @property {Component[]} components
 * @property {{ ref: string, dependsOn: string[] }[]} dependencies
 */

/**
 * List what ships, from the lock file alone. Two lists of one lock file are equal: no time and no number of its own is
 * in them.
 *
 * @param {string} directory with package.json and package-lock.json.
 * @returns {Sbom} CycloneDX 1.5.
 * @throws where npm refuses.
 */
function sbomOf(directory) {
  const flags = ["--sbom-format", "cyclonedx", "--sbom-type", "application", "--package-lock-only"];
  const text = execFileSync("npm", ["sbom", ...flags], { cwd: directory, encoding: "utf8", maxBuffer: 64e6 });
  /** @type {Sbom} */
  const { serialNumber: _, ...all } = JSON.parse(text);
  const { timestamp: __, ...metadata } = all.metadata;
  const { name, dependencies: wanted } = JSON.parse(readFileSync(`${directory}/package.json`, "utf8"));
  const shipped = shippedIn(all, [...Object.keys(wanted), ...COPIED]);
  const components = all.components.filter((one) => shipped.has(one["bom-ref"]));
  const dependencies = all.dependencies
    .filter(({ ref }) => shipped.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => shipped.has(one)) }));
  // npm names it by its folder.
  return { ...all, metadata: { ...metadata, component: { ...metadata.component, name } }, components, dependencies };
}

/**
 * Follow packages to all that they need.
 *
 * @param {Sbom} all
 * @param {readonly string[]} names of what the root itself needs.
 * @returns {Set<string>} their references, and the root's.
 */
function shippedIn({ metadata, components, dependencies }, names) {
  const root = metadata.component["bom-ref"];
  const needs = new Map(dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  const begins = components.filter((one) => names.includes(one.name)).map((one) => one["bom-ref"]);
  const found = new Set([root]);
  const toLook = (needs.get(root) ?? []).filter((ref) => begins.includes(ref));
  for (let ref = toLook.pop(); ref !== undefined; ref = toLook.pop()) {
    if (found.has(ref)) continue;
    found.add(ref);
    toLook.push(...(needs.get(ref) ?? []));
  }
  return found;
}

const file = process.argv[2];
if (file === undefined) throw new Error("no file; say where the list is to be written");
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify(sbomOf(`${import.meta.dirname}/../..`), undefined, 2)}\n`);
