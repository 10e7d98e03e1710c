import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const INSTALL_MS = 120_000;
/** Of these the build copies a part into what ships. */
const COPIED = ["uplot"];
/** They ask to be named, and for nothing else that this licence does not ask for. */
const TAKEN = new Set(["0BSD", "Apache-2.0", "BlueOak-1.0.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"]);

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: unknown;
}

interface Component {
  readonly name: string;
  readonly version: string;
  readonly licenses: readonly { readonly license?: { readonly id: string }; readonly expression?: string }[];
}

const home = mkdtempSync(join(tmpdir(), "shipped-"));
afterAll(() => rmSync(home, { recursive: true }));
let shipped: readonly Manifest[];

/** Install what the lock file has for those who run the service, and read what it says of itself. */
beforeAll(() => {
  for (const file of ["package.json", "package-lock.json"]) copyFileSync(join(ROOT, file), join(home, file));
  const flags = ["--omit=dev", "--omit=peer", "--omit=optional", "--prefer-offline", "--no-audit", "--no-fund"];
  execFileSync("npm", ["ci", "--ignore-scripts", ...flags], { cwd: home, stdio: "pipe" });
  const manifest = (path: string): Manifest => JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
  const { packages } = JSON.parse(readFileSync(join(home, "node_modules/.package-lock.json"), "utf8"));
  const installed = Object.keys(packages).map((path) => manifest(join(home, path)));
  shipped = [...installed, ...COPIED.map((name) => manifest(join(ROOT, "node_modules", name)))];
}, INSTALL_MS);

/** Whether an SPDX expression asks for no more: in all of its parts, where they are joined by AND; in one, by OR. */
function isTaken(license: unknown): boolean {
  if (typeof license !== "string") return false;
  const bare = license.replace(/^\((.*)\)$/, "$1");
  if (bare.includes(" OR ")) return bare.split(" OR ").some((one) => isTaken(one));
  return bare.split(" AND ").every((one) => TAKEN.has(one));
}

function list(name: string): string {
  const file = join(home, name);
  execFileSync(process.execPath, [join(ROOT, "deploy/image/sbom.mjs"), file]);
  return readFileSync(file, "utf8");
}

describe("what ships", () => {
  it("is under licences that let it be used and passed on", () => {
    expect(shipped.length).toBeGreaterThan(50);
    const others = shipped.filter(({ license }) => !isTaken(license));
    expect(others.map(({ name, license }) => `${name}: ${license}`)).toEqual([]);
  });

  it("is listed by name, version and licence, all of it and nothing else, and equally each time", () => {
    const once = list("once.json");
    const { components, metadata, bomFormat } = JSON.parse(once);
    const { name, version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expect(bomFormat).toBe("CycloneDX");
    expect(metadata.component).toMatchObject({ name, version, purl: `pkg:npm/${name}@${version}` });
    const named = components.map((one: Component) => {
      const [first] = one.licenses;
      return `${one.name} ${one.version}, ${first?.license?.id ?? first?.expression}`;
    });
    const installed = shipped.map((one) => `${one.name} ${one.version}, ${one.license}`);
    expect(named.sort()).toEqual([...new Set(installed)].sort());
    expect(list("twice.json")).toBe(once);
  });
});

describe("a licence", () => {
  it.each([
    ["MIT", true],
    ["(Apache-2.0 AND BSD-3-Clause)", true],
    ["(MIT OR GPL-3.0-only)", true],
    ["(MIT AND GPL-3.0-only)", false],
    ["GPL-3.0-only", false],
    ["SEE LICENSE IN LICENSE", false],
    [undefined, false],
  ])("%s is taken: %s", (license, taken) => expect(isTaken(license)).toBe(taken));
});
