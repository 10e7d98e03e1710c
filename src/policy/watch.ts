import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { look } from "./steady-read.js";

/** Where lines for the operator go. */
export interface PolicyLog {
  info(line: string): void;
  warn(line: string): void;
  error(line: string): void;
}

/** Tells of everything that happens in a directory, until closed; throws, or calls `onError`, where it cannot. */
export type Listen = (
  directory: string,
  onEvent: () => void,
  onError: (error: Error) => void,
) => Pick<FSWatcher, "close">;

export interface WatchOptions {
  readonly file: string;
  /** What the file last looked like to the one who asks, as `look` stamps it. */
  readonly seen: string;
  /** Told when the file looks otherwise than it did when this was last called. Must not throw. */
  readonly onChange: () => void;
  readonly log: PolicyLog;
  readonly pollMs?: number;
  readonly listen?: Listen;
}

/** Often enough that an operator who edits does not wait, seldom enough to cost nothing. */
const POLL_MS = 2_000;

/** A running watch. */
export interface PolicyWatch {
  /** Call `onChange` at the next poll even if nothing looks changed. */
  recheck(): void;
  close(): void;
}

/**
 * Watch a policy file, in whatever way it is replaced.
 *
 * Listens to the file's directory, because a watch on the file itself loses it when it is replaced by rename, and a
 * Kubernetes volume swaps the `..data` link beside it. Looks at the file every two seconds too: network and bind mounts
 * tell nothing, links may lead elsewhere, and the directory itself may be replaced. Neither keeps the process alive.
 */
export function watchPolicyFile(options: WatchOptions): PolicyWatch {
  return new DirectoryWatch(options);
}

class DirectoryWatch implements PolicyWatch {
  readonly #options: WatchOptions;
  readonly #directory: string;
  readonly #poll: NodeJS.Timeout;
  #seen: string | undefined;
  #listener: ReturnType<Listen> | undefined;
  /** Which directory is listened to: another one may take its place under the same name. */
  #heard: string | undefined;
  #deaf = false;
  #looking = false;
  #lookAgain = false;
  #closed = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#directory = dirname(resolve(options.file));
    this.#seen = options.seen;
    this.#poll = setInterval(() => void this.#check(), options.pollMs ?? POLL_MS);
    this.#poll.unref();
    void this.#check();
  }

  recheck(): void {
    this.#seen = undefined;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#poll);
    this.#stopListening();
  }

  async #check(): Promise<void> {
    // Not twice at once: a look at a dead network mount can hang, and every further one would hang with it.
    this.#lookAgain = true;
    if (this.#looking) return;
    this.#looking = true;
    try {
      while (this.#lookAgain && !this.#closed) {
        this.#lookAgain = false;
        await this.#keepListening();
        await this.#compare();
      }
    } finally {
      this.#looking = false;
    }
  }

  async #compare(): Promise<void> {
    const { stamp } = await look(this.#options.file);
    if (this.#closed || stamp === this.#seen) return;
    this.#seen = stamp;
    this.#options.onChange();
  }

  /** Listen to the directory that has the name now, and again once it is back. */
  async #keepListening(): Promise<void> {
    const found = await identityOf(this.#directory);
    if (this.#closed || (this.#listener && found === this.#heard)) return;
    this.#stopListening();
    this.#heard = found;
    if (found === undefined) return;
    try {
      this.#listener = (this.#options.listen ?? listenTo)(
        this.#directory,
        () => void this.#check(),
        (error) => this.#goDeaf(error),
      );
      this.#deaf = false;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#goDeaf(error);
    }
  }

  /** Once until the listening works again: the poll tries every time. */
  #goDeaf(error: Error): void {
    this.#stopListening();
    if (this.#deaf || this.#closed) return;
    this.#deaf = true;
    const seconds = (this.#options.pollMs ?? POLL_MS) / 1_000;
    this.#options.log.warn(
      `cannot listen to ${this.#directory} (${error.message}): a new policy is noticed within ${seconds} s instead of at once`,
    );
  }

  #stopListening(): void {
    this.#listener?.close();
    this.#listener = undefined;
  }
}

function listenTo(directory: string, onEvent: () => void, onError: (error: Error) => void): FSWatcher {
  return watch(directory, { persistent: false }, onEvent).on("error", onError);
}

async function identityOf(directory: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(directory, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}
