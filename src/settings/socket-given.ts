import { readFileSync } from "node:fs";
import type { SocketAccess } from "../transport/address.js";
import { type GivenAddress, given, type Reader } from "./given.js";

/** What Envoy's sockets may be at the most: whoever connects there is handed Mistral keys. */
const ENVOY_MOST = 0o660;
/** Its user must be able to connect; there is nothing to execute. */
const LEAST = 0o600;
const MOST = 0o666;

const MOST_ID = 2 ** 32 - 2;

/** Whom a socket is given to, and where this system lists them by name. */
const GROUP = { flag: "socket-group", kind: "group", file: "/etc/group" } as const;
const OWNER = { flag: "socket-owner", kind: "user", file: "/etc/passwd" } as const;

/** Read `--socket-mode`, `--socket-owner` and `--socket-group`, for the Unix sockets of callers and of Envoy. */
export function socketGiven(
  reader: Reader,
  listen: readonly GivenAddress[],
  envoy: readonly GivenAddress[],
): SocketAccess | undefined {
  const [first] = ["socket-mode", OWNER.flag, GROUP.flag].flatMap((flag) => given(reader, flag));
  if (!first) return undefined;
  if (![...listen, ...envoy].some(({ address }) => address.kind === "unix")) {
    const remedy = "leave it out, or give --listen unix:PATH";
    reader.faults.push({ where: first.where, what: "no listener is a Unix socket", remedy });
    return undefined;
  }
  const most = envoy.some(({ address }) => address.kind === "unix") ? ENVOY_MOST : MOST;
  const [uid, gid] = [idGiven(reader, OWNER), idGiven(reader, GROUP)];
  return Object.freeze({ mode: modeGiven(reader, most), uid, gid });
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

function idGiven(reader: Reader, { flag, kind, file }: typeof GROUP | typeof OWNER): number | undefined {
  const asked = given(reader, flag).at(-1);
  if (!asked) return undefined;
  const id = /^\d{1,10}$/.test(asked.text) ? Number(asked.text) : idOf(asked.text, file);
  if (id !== undefined && id <= MOST_ID) return id;
  const where = `${asked.where} ${asked.text}`;
  reader.faults.push({ where, what: `no ${kind} of ${file}`, remedy: "name one that is there, or give its number" });
  return undefined;
}

/** Node knows no way to ask the system, so whom only a directory service knows goes by a number. */
function idOf(name: string, file: string): number | undefined {
  for (const line of textOf(file).split("\n")) {
    const [known, , id = ""] = line.split(":");
    if (known === name && /^\d+$/.test(id)) return Number(id);
  }
  return undefined;
}

/** Empty where this system has no such file. */
function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error) return "";
    throw error;
  }
}
