import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

const LEGAL = /^(licen[cs]e|notice|copying)/i;

/**
 * Gather the licences of bundled packages, which ask to be passed on with their code.
 *
 * @param {string} root that the files are relative to.
 * @param {readonly string[]} files that were bundled.
 * @returns {string} a part for each package: its name, version, licence, and what it says of it.
 * @throws where a package has no manifest.
 */
export function noticesOf(root, files) {
  const packages = new Set(files.filter((file) => file.includes("node_modules/")).map((file) => homeOf(root, file)));
  return [...packages].sort().map(noticeOf).join("\n");
}

/**
 * Where the package stands that a file belongs to. Packages hold manifests of their folders too, without a version.
 *
 * @param {string} root
 * @param {string} file
 */
function homeOf(root, file) {
  const [, home = ""] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(join(root, file)) ?? [];
  if (!existsSync(join(home, "package.json"))) throw new Error(`${dirname(file)}: belongs to no package`);
  return home;
}

/** @param {string} home */
function noticeOf(home) {
  const { name, version, license } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  const texts = readdirSync(home)
    .filter((entry) => LEGAL.test(entry))
    .flatMap((entry) => filesIn(join(home, entry)))
    .sort()
    .map((file) => readFileSync(file, "utf8").trim());
  return [`==== ${name} ${version}, ${license}`, ...texts, ""].join("\n\n");
}

/**
 * Some keep the licences of others' code that they hold in a folder.
 *
 * @param {string} path
 */
function filesIn(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .map((name) => join(path, name))
    .filter((file) => statSync(file).isFile());
}
