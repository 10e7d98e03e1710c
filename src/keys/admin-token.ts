import { createHash, timingSafeEqual } from "node:crypto";
import type { Millis } from "../domain/units.js";
import { HeldFiles, type Reading } from "./held-files.js";
import { readKeyFile } from "./read-key.js";

export interface AdminTokenOptions {
  readonly file: string;
  /** Told in one line, once, when the file holds no token any more. Must not throw. */
  readonly warn: (line: string) => void;
  readonly pollMs?: Millis;
}

/** Fewer could be guessed by asking. */
const LEAST_LENGTH = 16;

/** The token that operators show to the admin port, as its file says now. Kept as a digest: nothing gives it out. */
export class AdminToken {
  readonly #files: HeldFiles<Buffer>;

  private constructor(files: HeldFiles<Buffer>) {
    this.#files = files;
  }

  /** Read it for the first time. @returns a line for a person where there is none. */
  static async open({
    file,
    warn,
    pollMs,
  }: AdminTokenOptions): Promise<
    { readonly kind: "open"; readonly token: AdminToken } | { readonly kind: "bad"; readonly why: string }
  > {
    const files = await HeldFiles.open<Buffer>({
      paths: [file],
      read: () => readDigest(file),
      onTaken: () => {},
      onLost: (why) => warn(`${why}; the token that was there last stays in force`),
      ...(pollMs === undefined ? {} : { pollMs }),
    });
    return files.kind === "bad" ? files : { kind: "open", token: new AdminToken(files.files) };
  }

  /** Say whether this is the token. Takes as long for a near miss as for a far one. */
  matches(shown: string): boolean {
    return timingSafeEqual(digestOf(shown), this.#files.value);
  }

  /** Look at the file now. */
  look(): Promise<void> {
    return this.#files.look();
  }

  /** Look no more. */
  close(): void {
    this.#files.close();
  }
}

async function readDigest(file: string): Promise<Reading<Buffer>> {
  const read = await readKeyFile(file);
  if (read.kind === "none") return { kind: "bad", why: `${file} ${read.why}` };
  if (read.key.length >= LEAST_LENGTH) return { kind: "good", value: digestOf(read.key) };
  return { kind: "bad", why: `${file} holds a token of fewer than ${LEAST_LENGTH} characters` };
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
