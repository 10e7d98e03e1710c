import { readFileSync, writeFileSync } from "node:fs";

// What `npm version` runs between the new version in package.json and the commit: what was unreleased becomes its part.

const FILE = "CHANGELOG.md";
const UNRELEASED = "## Unreleased\n";

const { version } = JSON.parse(readFileSync("package.json", "utf8"));
const text = readFileSync(FILE, "utf8");
const at = text.indexOf(UNRELEASED);
const rest = at < 0 ? "" : text.slice(at + UNRELEASED.length);
if (!/^\s*(###|-)/.test(rest)) {
  console.error(
    `${FILE}: nothing is unreleased; write below "## Unreleased" what ${version} brings, then run npm version again`,
  );
  process.exit(1);
}
const day = new Date().toISOString().slice(0, 10);
writeFileSync(FILE, `${text.slice(0, at)}${UNRELEASED}\n## ${version} - ${day}\n${rest}`);
