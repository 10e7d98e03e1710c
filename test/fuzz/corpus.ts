import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Inputs that are kept: what a reader should know, and whatever once broke a law. */
export const CORPUS = "test/fuzz/corpus";
/** Where what breaks a law is written. Not kept. */
const FOUND = "test/fuzz/found";

/** An input that is kept, by what it shows. */
export interface Kept {
  readonly name: string;
  readonly input: Buffer;
}

/** Read all that is kept for a target, from the project's directory. */
export function corpusOf(target: string): readonly Kept[] {
  const directory = join(CORPUS, target);
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .sort()
    .map((name) => ({ name, input: readFileSync(join(directory, name)) }));
}

/** Write what broke a law. @returns where. */
export function writeFound(target: string, input: Buffer): string {
  mkdirSync(FOUND, { recursive: true });
  const path = join(FOUND, `${target}-${Date.now()}`);
  writeFileSync(path, input);
  return path;
}
