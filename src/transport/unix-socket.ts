import { chmodSync, chownSync, lstatSync, unlinkSync } from "node:fs";
import { lstat, stat } from "node:fs/promises";
import { connect, type Server } from "node:net";
import { dirname } from "node:path";
import type { SocketAccess } from "./address.js";

/** What stands where a Unix socket is to be bound. */
export type Site =
  | { readonly kind: "free" }
  /** A socket that nobody listens on: its process ended without removing it. */
  | { readonly kind: "stale"; readonly file: FileId }
  | { readonly kind: "taken"; readonly what: string; readonly remedy: string };

/** Tells a file from another that later stands at the same path. */
interface FileId {
  readonly inode: bigint;
  readonly changedNs: bigint;
}

/**
 * See whether a Unix socket can be bound at a path, and knock at the socket that stands there.
 *
 * Only a refused connection proves that nobody listens; whatever else happens, the file is left alone.
 */
export async function inspect(path: string): Promise<Site> {
  try {
    const file = await lstat(path, { bigint: true });
    if (!file.isSocket()) return { kind: "taken", what: "a file that is no socket stands there", remedy: MOVE };
    return await inspectSocket(path, { inode: file.ino, changedNs: file.ctimeNs });
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined) throw error;
    if (code === "ENOENT") return await inspectDirectory(dirname(path));
    if (code === "ENOTDIR") return { kind: "taken", what: "a part of the path is no directory", remedy: MOVE };
    return { kind: "taken", what: `the directory cannot be read (${code})`, remedy: PERMIT };
  }
}

/**
 * Remove a stale socket, unless another file took its place since. Call it right before binding: between the look and
 * the removal a process that starts at the same instant could still slip in, for some microseconds.
 *
 * @throws what `unlink` throws.
 */
export function removeStale(path: string, { inode, changedNs }: FileId): void {
  const file = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (file?.ino === inode && file.ctimeNs === changedNs) unlinkSync(path);
}

/** Its user and group alone. */
const OWN_GROUP: SocketAccess = { mode: 0o660 };

/**
 * Bind a server to a path that only those may connect to who are meant to; its user and group when left out. The
 * outcome comes as the server's events.
 *
 * Node binds a path before `listen` returns, so the umask is narrow for that moment only: until group and mode are set
 * its user alone may connect. Not in a worker thread, which may not set it. Its user comes last: whoever gave a file
 * away may not change its mode any more.
 *
 * @throws NotGiven with the server still listening.
 */
export function listenAtPath(server: Server, path: string, { mode, uid, gid }: SocketAccess = OWN_GROUP): void {
  const before = process.umask(0o177);
  try {
    server.listen({ path });
  } finally {
    process.umask(before);
  }
  if (!server.listening) return;
  if (gid !== undefined) give("group", () => chownSync(path, SAME, gid));
  chmodSync(path, mode);
  if (uid !== undefined) give("user", () => chownSync(path, uid, SAME));
}

/** This process may not give a socket to a user or a group. */
export class NotGiven extends Error {
  readonly to: "user" | "group";

  constructor(to: "user" | "group", cause: unknown) {
    super(`the socket could not be given to the ${to}`, { cause });
    this.to = to;
  }
}

function give(to: "user" | "group", chown: () => void): void {
  try {
    chown();
  } catch (cause) {
    if (errnoOf(cause) === undefined) throw cause;
    throw new NotGiven(to, cause);
  }
}

/** Leaves the user, or the group, as it is. */
const SAME = -1;

/** The code of a failed system call, such as "ENOENT"; undefined for any other value. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

const MOVE = "move it away or choose another path";
const PERMIT = "let the user of this process read and write the directory, or choose another path";

async function inspectSocket(path: string, file: FileId): Promise<Site> {
  switch (await knock(path)) {
    case "ENOENT":
      return { kind: "free" };
    case "ECONNREFUSED":
      return { kind: "stale", file };
    case "EACCES":
      return {
        kind: "taken",
        what: "a socket of another user stands there",
        remedy: "remove it if no process listens on it, or choose another path",
      };
    default:
      return {
        kind: "taken",
        what: "already in use",
        remedy: "stop the process that listens there, or choose another path",
      };
  }
}

/** Binding in a directory that does not exist fails with EACCES (libuv's doing), which would send a person astray. */
async function inspectDirectory(directory: string): Promise<Site> {
  try {
    await stat(directory);
    return { kind: "free" };
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    return {
      kind: "taken",
      what: `the directory ${directory} does not exist`,
      remedy: "create it, or choose another path",
    };
  }
}

/** Connect and leave. Resolves with undefined when somebody answered, else with the code of the failure. */
function knock(path: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once("error", (error) => {
      const code = errnoOf(error);
      if (code === undefined) reject(error);
      else resolve(code);
    });
  });
}
