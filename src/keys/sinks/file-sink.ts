import { randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import { lstat, open, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { SecretSink } from "../../app/key-ports.js";
import type { SinkPlace } from "../../domain/keys-file.js";
import { isRefusal, readSmallFile, stampOf } from "../read-file.js";
import { keyIn } from "../read-key.js";
import { type Found, failed, type Stored } from "./outcomes.js";

type Place = Extract<SinkPlace, { kind: "file" }>;

const OWNER_ONLY = 0o600;
const PERMISSIONS = 0o777;
const MOST_BYTES = 4_096;
/** In the name of a file that is not in its place yet. */
const RANDOM_BYTES = 6;
/** Nobody writes one for so long: who began it has died. */
const LEFT_OVER_MS = 3_600_000;

/**
 * Keeps a secret in a file, that and nothing else.
 *
 * Whoever reads it finds the old secret or the new one, whole, also after a crash: the new one is on the disk under
 * another name of the same directory before it takes the place of the old. Links are followed and stay, and what they
 * lead to is replaced.
 */
export class FileSink implements SecretSink {
  readonly place: string;
  readonly #path: string;
  readonly #mode: number | undefined;

  constructor({ path, mode }: Place) {
    this.place = `file ${path}`;
    this.#path = path;
    this.#mode = mode;
  }

  async store(secret: string): Promise<Stored> {
    try {
      const target = await targetOf(this.#path);
      if (target === undefined) return this.#failed("is a link to nothing; point it at a file, or remove it");
      const before = await statOf(target);
      if (before && !before.isFile()) return this.#failed("is no regular file; give the path of one");
      await replace(target, secret, { before, mode: this.#mode });
      return { kind: "stored" };
    } catch (error) {
      if (isRefusal(error)) return this.#failed(`could not be replaced (${error.code}); ${remedyFor(error.code)}`);
      throw error;
    }
  }

  async read(): Promise<Found> {
    if ((await stampOf(this.#path)) === "ENOENT") return { kind: "empty" };
    const read = await readSmallFile(this.#path, MOST_BYTES);
    if (read.kind === "none") return this.#unreadable(`${read.why}; let this account read it`);
    const text = read.bytes.toString("latin1");
    if (text.trim() === "") return { kind: "empty" };
    const key = keyIn(text);
    if (key.kind === "key") return { kind: "secret", secret: key.key };
    return this.#unreadable(`${key.why}; keep nothing else in it`);
  }

  #failed(why: string): Stored {
    return failed(`${this.place} ${why}`);
  }

  #unreadable(why: string): Found {
    return { kind: "unreadable", why: `${this.place} ${why}` };
  }
}

/** What the path leads to, there or not yet; undefined: a link that leads nowhere. */
async function targetOf(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!isRefusal(error) || error.code !== "ENOENT") throw error;
    return (await isLink(path)) ? undefined : path;
  }
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch (error) {
    if (isRefusal(error) && error.code === "ENOENT") return false;
    throw error;
  }
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (isRefusal(error) && error.code === "ENOENT") return undefined;
    throw error;
  }
}

interface Manner {
  readonly before: Stats | undefined;
  readonly mode: number | undefined;
}

/** The owner is set before the mode: until then nobody but this account may read it. */
async function replace(target: string, secret: string, { before, mode }: Manner): Promise<void> {
  await dropLeftovers(target);
  const next = join(dirname(target), `.${basename(target)}.${randomBytes(RANDOM_BYTES).toString("hex")}`);
  const file = await open(next, "wx", OWNER_ONLY);
  try {
    try {
      await file.writeFile(secret);
      if (before) {
        const made = await file.stat();
        if (made.uid !== before.uid || made.gid !== before.gid) await file.chown(before.uid, before.gid);
      }
      await file.chmod(mode ?? (before ? before.mode & PERMISSIONS : OWNER_ONLY));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(next, target);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
  await syncDirectory(dirname(target));
}

/** Remove what processes left that died in the middle: each holds a secret. */
async function dropLeftovers(target: string): Promise<void> {
  const [directory, begin] = [dirname(target), `.${basename(target)}.`];
  const names = (await readdir(directory)).filter(
    (name) => name.startsWith(begin) && RANDOM.test(name.slice(begin.length)),
  );
  for (const name of names) {
    const left = await statOf(join(directory, name));
    if (left && left.mtimeMs < Date.now() - LEFT_OVER_MS) await rm(join(directory, name), { force: true });
  }
}

const RANDOM = new RegExp(`^[0-9a-f]{${2 * RANDOM_BYTES}}$`);

/** The new name outlives a power cut. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function remedyFor(code: string): string {
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return "make its directory first";
    case "EPERM":
      return "run this as the file's owner or as root, so that the new file can be given the owner of the old";
    case "EACCES":
      return "let this account write to its directory, because the file is replaced and not written over";
    case "EROFS":
      return "it is mounted read-only, as Kubernetes mounts Secrets: use the sink kubernetes, or a volume that can be written";
    case "EBUSY":
      return "it is a mount of its own: mount its directory, so that the file can be replaced";
    case "ENOSPC":
    case "EDQUOT":
      return "make room on its disk";
    default:
      return "see what the system says of its path";
  }
}
