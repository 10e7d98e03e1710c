import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
/** Of these the build copies a part into what ships. */
const COPIED = ["node_modules/uplot"];

/** An installed package that ships, as its own manifest tells. */
export interface Shipped {
  readonly name: string;
  readonly version: string;
  readonly license: string;
}

/** Read the manifests of all installed packages but those that development alone needs. */
export function shippedPackages(): readonly Shipped[] {
  const { packages }: { readonly packages: Readonly<Record<string, { readonly dev?: boolean }>> } = JSON.parse(
    readFileSync(join(ROOT, "package-lock.json"), "utf8"),
  );
  return Object.entries(packages)
    .filter(([path, { dev }]) => path !== "" && (dev !== true || COPIED.includes(path)))
    .map(([path]) => JSON.parse(readFileSync(join(ROOT, path, "package.json"), "utf8")));
}
