import type { SecretPlace } from "../domain/secret-place.js";

/** A `secret` as the schema reads it: exactly one of the two, which is checked beside the schema. */
interface SecretRule {
  readonly file?: string | undefined;
  readonly env?: string | undefined;
}

/** Compile where a secret lies. @throws Error for one that lies nowhere, which no check lets through. */
export function compileSecret({ file, env }: SecretRule): SecretPlace {
  if (file !== undefined) return { kind: "file", path: file };
  if (env !== undefined) return { kind: "env", name: env };
  throw new Error("a secret lies in a file or in a variable");
}
