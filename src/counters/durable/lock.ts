import { chmodSync, closeSync, linkSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { errorCode } from "./system-error.js";

const NAME = "lock";
const OWNER_ONLY = 0o600;
const DEADLINE_MS = 1_000;
/** Each attempt ends with a lock that somebody holds, or with one stale lock less. */
const ATTEMPTS = 20;

/** A directory that is held until it is released, or by another process. */
export type Locking =
  | { readonly kind: "held"; release(): void }
  /** @see by the number of the process, where it told. */
  | { readonly kind: "taken"; readonly by: string | undefined };

/**
 * Hold a directory, so that no other process on this machine does; a lock whose process has ended is taken over.
 *
 * The lock is a Unix socket that its process listens on, which the kernel closes however the process ends. It is bound
 * under a name of its own and then linked to the lock's name, which one of many can do.
 *
 * @param token tells this process from every other; letters and digits.
 * @throws what the file system throws.
 */
export async function holdDirectory(directory: string, token: string): Promise<Locking> {
  const fd = openSync(directory, "r");
  // The path of a socket must be short, and that of a directory need not be.
  const within = process.platform === "linux" ? `/proc/self/fd/${fd}` : directory;
  const lock = join(within, NAME);
  const own = join(within, `${NAME}-${token}`);
  let server: Server | undefined;
  try {
    server = await listen(own, `${token} ${process.pid}`);
    chmodSync(own, OWNER_ONLY);
    const { ino } = statSync(own);
    const taken = await take(lock, own, token);
    if (taken.kind === "held") {
      const held = server;
      return {
        kind: "held",
        release: () => {
          if (statSync(lock, { throwIfNoEntry: false })?.ino === ino) rmSync(lock, { force: true });
          held.close();
          closeSync(fd);
        },
      };
    }
    server.close();
    closeSync(fd);
    return taken;
  } catch (error) {
    server?.close();
    closeSync(fd);
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

async function take(
  lock: string,
  own: string,
  token: string,
): Promise<{ readonly kind: "held" } | Extract<Locking, { readonly kind: "taken" }>> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const isLinked = link(own, lock);
    const holder = await holderOf(lock);
    // A slow process may have moved it away, taking it for the stale lock that was there before: who answers holds it.
    if (isLinked && holder?.startsWith(`${token} `)) return { kind: "held" };
    if (holder !== undefined) return { kind: "taken", by: holder.split(" ")[1] };
    if (!isLinked) await removeStale(lock, `${own}-stale`);
  }
  return { kind: "taken", by: undefined };
}

/** Take away a lock that nobody holds: moved first, so that it is looked at again when no one else can reach it. */
async function removeStale(lock: string, aside: string): Promise<void> {
  try {
    renameSync(lock, aside);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return;
    throw error;
  }
  if ((await holderOf(aside)) !== undefined) link(aside, lock);
  rmSync(aside, { force: true });
}

/** @returns whether the new name was free. */
function link(path: string, name: string): boolean {
  try {
    linkSync(path, name);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** What the process that listens on a socket says of itself; empty where it says nothing; undefined: none listens. */
function holderOf(path: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    let said = "";
    socket.setTimeout(DEADLINE_MS, () => socket.destroy());
    socket.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    socket.once("close", () => resolve(said));
    socket.once("error", (error) => {
      const code = errorCode(error);
      if (code === "ECONNREFUSED" || code === "ENOENT") resolve(undefined);
      else if (code === "EAGAIN" || code === "ECONNRESET" || code === "EPIPE") resolve(said);
      else reject(error);
    });
  });
}

function listen(path: string, says: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      // Whoever asked may be gone.
      socket.on("error", () => socket.destroy());
      socket.end(says);
    });
    server.once("error", reject);
    server.listen({ path }, () => resolve(server.unref()));
  });
}
