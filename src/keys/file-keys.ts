import type { KeySet, TokenKeys } from "../app/identity-ports.js";
import type { EpochMs, Millis } from "../domain/units.js";
import { HeldFiles, type Reading } from "./held-files.js";
import { readSmallFile } from "./read-file.js";
import { MOST_KEY_SET_BYTES, readKeySet } from "./read-key-set.js";

export interface FileKeysOptions {
  readonly path: string;
  /** Told in one line, once, when the file holds no keys any more. Must not throw. */
  readonly onLost: (line: string) => void;
  /** How often the file is looked at; 1 s when left out. */
  readonly pollMs?: Millis;
}

/** The keys of an issuer in a file, as it is now; the last good ones while it holds none. */
export class FileKeys implements TokenKeys {
  readonly #files: HeldFiles<KeySet>;

  private constructor(files: HeldFiles<KeySet>) {
    this.#files = files;
  }

  /** Read the file, and look at it from then on. */
  static async open({
    path,
    onLost,
    pollMs,
  }: FileKeysOptions): Promise<
    { readonly kind: "open"; readonly keys: FileKeys } | { readonly kind: "bad"; readonly why: string }
  > {
    const opened = await HeldFiles.open({
      paths: [path],
      read: () => read(path),
      onTaken: () => {},
      onLost: (why) => onLost(`${why}; the keys that it held last stay in force`),
      ...(pollMs === undefined ? {} : { pollMs }),
    });
    return opened.kind === "bad" ? opened : { kind: "open", keys: new FileKeys(opened.files) };
  }

  held(): KeySet {
    return this.#files.value;
  }

  async renew(): Promise<boolean> {
    await this.#files.look();
    return true;
  }

  /** It is looked at all the time. */
  restsUntil(): EpochMs {
    return Number.POSITIVE_INFINITY;
  }

  /** Look no more. */
  close(): void {
    this.#files.close();
  }
}

async function read(path: string): Promise<Reading<KeySet>> {
  const file = await readSmallFile(path, MOST_KEY_SET_BYTES);
  if (file.kind === "none") return { kind: "bad", why: `${path} ${file.why}` };
  const found = readKeySet(file.bytes.toString("utf8"));
  return found.kind === "good" ? found : { kind: "bad", why: `${path} ${found.why}` };
}
