import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The built service: what `windbreak` starts. */
export const MAIN = pathOf("main.js");

/**
 * Load a module of the built service: what is measured is what ships.
 *
 * @param {string} path below `dist`.
 * @returns {Promise<any>} the module; who asks says its type.
 * @throws where there is no build.
 */
export async function built(path) {
  const file = pathOf(path);
  if (!existsSync(file)) throw new Error(`${file}: there is no build; run npm run build`);
  return import(file);
}

/** @param {string} path */
function pathOf(path) {
  return fileURLToPath(new URL(`../../dist/${path}`, import.meta.url));
}
