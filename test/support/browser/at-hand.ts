import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** Where Chromium stands; undefined: it is missing. */
export function chromiumPath(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

/** What is missing and how to get it, one sentence; undefined where nothing is. */
export function missingBrowser(): string | undefined {
  return chromiumPath() === undefined
    ? "Chromium is missing: run .ci/install-chromium, which takes it from Debian."
    : undefined;
}
