import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

// `npm run sbom`: what ships and from whom, as CycloneDX. npm's own `--omit dev` leaves out whatever a development
// dependency needs too (npm 11: 50 of 82), so everything is asked for, and what only development needs is dropped here.

/** Development dependencies of which the build copies a part into what ships. */
const COPIED = ["uplot"];

/**
 * @typedef {{ "bom-ref": string, name: string, purl: string, properties: { name: string, value: string }[] }} Component
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
  const components = all.components.filter((one) => COPIED.includes(one.name) || !isForDevelopment(one));
  const shipped = new Set(components.map((one) => one["bom-ref"]).concat(metadata.component["bom-ref"]));
  const dependencies = all.dependencies
    .filter(({ ref }) => shipped.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => shipped.has(one)) }));
  // npm names it by its folder.
  const { name } = JSON.parse(readFileSync(`${directory}/package.json`, "utf8"));
  return { ...all, metadata: { ...metadata, component: { ...metadata.component, name } }, components, dependencies };
}

/** @param {Component} component */
function isForDevelopment({ properties }) {
  return properties.some(({ name }) => name === "cdx:npm:package:development");
}

const file = process.argv[2];
if (file === undefined) throw new Error("no file; say where the list is to be written");
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify(sbomOf(`${import.meta.dirname}/../..`), undefined, 2)}\n`);
