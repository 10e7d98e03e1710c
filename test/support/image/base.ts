import { copyFileSync, cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { output } from "./output.js";

const AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt";

/**
 * Make what stands in for node:24-bookworm-slim where no registry of images is in reach: Debian's smallest system, Node
 * and npm from their own packages, and this machine's way to the registry of packages.
 *
 * @param directory that is not there yet; it becomes the root.
 */
export async function makeBase(directory: string): Promise<void> {
  const mirror = process.env["DEBIAN_MIRROR"];
  const spared = ["doc", "locale", "man"].map((part) => `--dpkgopt=path-exclude=/usr/share/${part}/*`);
  const flags = ["--variant=minbase", "--include=ca-certificates,libstdc++6", ...spared, "bookworm", directory];
  await output("mmdebstrap", mirror === undefined ? flags : [...flags, mirror]);
  const node = `${directory}.node`;
  await output("npm", ["install", "--silent", "--no-save", "--prefix", node, "node@24"]);
  copyFileSync(join(node, "node_modules/node/bin/node"), join(directory, "usr/local/bin/node"));

  const modules = (await output("npm", ["root", "--global"])).trim();
  cpSync(join(modules, "npm"), join(directory, "usr/local/lib/node_modules/npm"), { recursive: true });
  symlinkSync("../lib/node_modules/npm/bin/npm-cli.js", join(directory, "usr/local/bin/npm"));
  const registry = (await output("npm", ["config", "get", "registry"])).trim();
  const settings = join(directory, "usr/local/etc/npmrc");
  mkdirSync(dirname(settings), { recursive: true });
  writeFileSync(settings, `registry=${registry}\ncafile=${AUTHORITIES}\n`);
  if (existsSync(AUTHORITIES)) copyFileSync(AUTHORITIES, join(directory, AUTHORITIES));
}
