import { readFileSync } from "node:fs";
import type { SocketAccess } from "../transport/address.js";
import { type GivenAddress, given, type Reader } from "./given.js";

/** What Envoy's sockets may be at the most: whoever connects there is handed Mistral keys. */
const ENVOY_MOST = 0o660;
/** Its user must be able to connect; there is nothing to execute. */
const LEAST = 0o600;
const MOST = 0o666;

const MOST_GID = 2 ** 32 - 2;
const GROUPS = "/etc/group";

/** Read `--socket-mode` and `--socket-group`, for the Unix sockets of callers and of Envoy. */
export function socketGiven(
  reader: Reader,
  listen: readonly GivenAddress[],
  envoy: readonly GivenAddress[],
): SocketAccess | undefined {
  const [first] = [...given(reader, "socket-mode"), ...given(reader, "socket-group")];
  if (!first) return undefined;
  if (![...listen, ...envoy].some(({ address }) => address.kind === "unix")) {
    const remedy = "leave it out, or give --listen unix:PATH";
    reader.faults.push({ where: first.where, what: "no listener is a Unix socket", remedy });
    return undefined;
  }
  const most = envoy.some(({ address }) => address.kind === "unix") ? ENVOY_MOST : MOST;
  return Object.freeze({ mode: modeGiven(reader, most), gid: groupGiven(reader) });
}

function modeGiven(reader: Reader, most: number): number {
  const asked = given(reader, "socket-mode").at(-1);
  if (!asked) return ENVOY_MOST;
  const where = `${asked.where} ${asked.text}`;
  const mode = /^0?[0-7]{3}$/.test(asked.text) ? Number.parseInt(asked.text, 8) : undefined;
  if (mode === undefined || (mode & LEAST) !== LEAST || (mode & ~MOST) !== 0) {
    reader.faults.push({ where, what: "no mode of a socket", remedy: "write 0600, 0660 or 0666" });
  } else if ((mode & ~most) !== 0) {
    const what = "whoever connects to Envoy's socket could have calls sent with your Mistral keys";
    reader.faults.push({ where, what, remedy: "give 0660 or less" });
  }
  return mode ?? ENVOY_MOST;
}

function groupGiven(reader: Reader): number | undefined {
  const asked = given(reader, "socket-group").at(-1);
  if (!asked) return undefined;
  const gid = /^\d{1,10}$/.test(asked.text) ? Number(asked.text) : gidOf(asked.text);
  if (gid !== undefined && gid <= MOST_GID) return gid;
  const where = `${asked.where} ${asked.text}`;
  reader.faults.push({ where, what: `no group of ${GROUPS}`, remedy: "name one that is there, or give its number" });
  return undefined;
}

/** Node knows no way to ask the system, so a group that a directory service knows goes by its number. */
function gidOf(name: string): number | undefined {
  for (const line of groups().split("\n")) {
    const [group, , gid = ""] = line.split(":");
    if (group === name && /^\d+$/.test(gid)) return Number(gid);
  }
  return undefined;
}

/** Empty where this system has no such file. */
function groups(): string {
  try {
    return readFileSync(GROUPS, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error) return "";
    throw error;
  }
}
