import { readFileSync } from "node:fs";
import { holdsPassword, parseRedisUrl, type RedisTarget } from "../counters/redis/redis-url.js";
import { given, type Reader } from "./given.js";

/** Read where the shared counters are: by `--redis`, `WINDBREAK_REDIS` or `--redis-file`. No fault repeats the URL. */
export function redisGiven(reader: Reader): RedisTarget | undefined {
  const named = given(reader, "redis").at(-1);
  const file = given(reader, "redis-file").at(-1);
  if (named && file) {
    reader.faults.push({ where: named.where, what: `also given by ${file.where}`, remedy: "give one of them" });
    return undefined;
  }
  if (file) {
    const text = readUrl(reader, file.text, file.where);
    return text === undefined ? undefined : readTarget(reader, `${file.where} ${file.text}`, text);
  }
  if (!named) return undefined;
  if (named.where.startsWith("--") && holdsPassword(named.text)) {
    reader.faults.push({
      where: named.where,
      what: "holds a password, which everyone on this machine can read in the list of processes",
      remedy: "set WINDBREAK_REDIS, or put the URL into a file and give --redis-file",
    });
    return undefined;
  }
  return readTarget(reader, named.where, named.text);
}

function readUrl(reader: Reader, file: string, where: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const code = "code" in cause ? String(cause.code) : cause.message;
    // A URL in a file's place may hold a password.
    const isUrl = file.includes("://");
    reader.faults.push({
      where: isUrl ? where : `${where} ${file}`,
      what: isUrl ? "is no file, but a URL" : `cannot be read (${code})`,
      remedy: "name a file that holds one URL",
    });
    return undefined;
  }
}

function readTarget(reader: Reader, where: string, text: string): RedisTarget | undefined {
  const target = parseRedisUrl(text);
  if (target.kind !== "fault") return Object.freeze(target);
  reader.faults.push({ where, what: target.what, remedy: target.remedy });
  return undefined;
}
