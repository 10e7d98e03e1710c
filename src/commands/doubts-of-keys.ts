import type { KeysFile } from "../domain/keys-file.js";
import type { SecretPlace } from "../domain/secret-place.js";
import { isOpenToOthers, warningsOfOpenFiles } from "../keys/open-to-others.js";

/** Find what of a keys file is open to others: the file itself, for writing, and what it names that holds a secret. */
export async function doubtsOfKeys(file: string, { admin, upstream }: KeysFile): Promise<readonly string[]> {
  const secrets = [...fileOf(admin.key)];
  for (const { sink } of upstream.values()) {
    if (sink.kind === "file") secrets.push(sink.path);
    if (sink.kind === "vault") secrets.push(...fileOf(sink.token));
  }
  const doubts = await warningsOfOpenFiles(secrets);
  if (await isOpenToOthers(file, "write")) {
    doubts.push(
      `${file}: every account of this machine can write it, and have the admin key sent elsewhere or a program run; chmod o-w it, or the directory above that lets them`,
    );
  }
  return doubts;
}

function fileOf(place: SecretPlace): readonly string[] {
  return place.kind === "file" ? [place.path] : [];
}
