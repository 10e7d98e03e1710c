import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Away } from "../app/ports.js";
import type { Holding, JournalRead, RotationHold, RotationJournal } from "../app/rotation-ports.js";
import { isRefusal } from "./read-file.js";

const OWNER_ONLY = 0o600;
const OWNER_ENTERS = 0o700;
const FOLDER = "rotations";
const NAME = "rotation.json";

/** Holds a directory, so that no other process of this machine does. */
type HoldDirectory = (
  directory: string,
) => Promise<{ readonly kind: "held"; release(): void } | { readonly kind: "taken"; readonly by: string | undefined }>;

/**
 * Rotations in a directory, a folder for each workspace, for processes of one machine.
 *
 * What is written is on the disk under another name before it takes the place of what was there, so that a crash leaves
 * the one or the other. What the file system refuses is told as away: nothing is done without its record.
 */
export class FileRotationJournal implements RotationJournal {
  readonly place: string;
  readonly #directory: string;
  readonly #holdDirectory: HoldDirectory;

  constructor(directory: string, holdDirectory: HoldDirectory) {
    this.place = join(directory, FOLDER);
    this.#directory = this.place;
    this.#holdDirectory = holdDirectory;
  }

  async hold(workspace: string): Promise<Holding | Away> {
    const folder = this.#folderOf(workspace);
    return orAway(async () => {
      await mkdir(folder, { recursive: true, mode: OWNER_ENTERS });
      const lock = await this.#holdDirectory(folder);
      return lock.kind === "taken" ? lock : { kind: "held", hold: new FileHold(folder, lock.release) };
    });
  }

  look(workspace: string): Promise<JournalRead | Away> {
    return read(this.#folderOf(workspace));
  }

  /** A workspace's name is letters, digits, `_` and `-`. */
  #folderOf(workspace: string): string {
    return join(this.#directory, workspace);
  }
}

/** Held by the kernel until it is let go, or the process ends: nobody else can have had it in between. */
class FileHold implements RotationHold {
  readonly #folder: string;
  readonly #release: () => void;

  constructor(folder: string, release: () => void) {
    this.#folder = folder;
    this.#release = release;
  }

  read(): Promise<JournalRead | Away> {
    return read(this.#folder);
  }

  write(text: string): Promise<{ readonly kind: "written" } | Away> {
    return orAway(async () => {
      const next = join(this.#folder, `${NAME}.next`);
      const file = await open(next, "w", OWNER_ONLY);
      try {
        await file.writeFile(`${text}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(next, join(this.#folder, NAME));
      await syncDirectory(this.#folder);
      return { kind: "written" };
    });
  }

  async keep(): Promise<{ readonly kind: "kept" }> {
    return { kind: "kept" };
  }

  async release(): Promise<void> {
    this.#release();
  }
}

async function read(folder: string): Promise<JournalRead | Away> {
  return orAway(async () => {
    try {
      return { kind: "text", text: await readFile(join(folder, NAME), "utf8") };
    } catch (error) {
      if (isRefusal(error) && error.code === "ENOENT") return { kind: "none" };
      throw error;
    }
  });
}

/** The new name outlives a power cut. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function orAway<T>(work: () => Promise<T>): Promise<T | Away> {
  try {
    return await work();
  } catch (cause) {
    if (isRefusal(cause)) return { kind: "away", cause };
    throw cause;
  }
}
