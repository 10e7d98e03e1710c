import type { RedisTarget } from "../counters/redis/redis-url.js";
import { given, type Reader } from "./given.js";
import type { KeysGiven } from "./keys-given.js";
import { redisGiven } from "./redis-given.js";

/** Where it is written how far rotations have come. Redis, where both are given: there replicas see it too. */
export interface JournalGiven {
  readonly stateDirectory: string | undefined;
  readonly redis: RedisTarget | undefined;
}

/** What `serve` is told of rotations. */
export interface ScheduleGiven {
  /** When keys are looked at whether they are due; not read yet. */
  readonly cron: string;
  /** The flag or the variable that says so. */
  readonly where: string;
  readonly keysFile: string;
}

/** Read `--rotate` and the keys file that it needs; undefined: nothing is rotated. */
export function scheduleGiven(reader: Reader, { stateDirectory, redis }: JournalGiven): ScheduleGiven | undefined {
  const asked = given(reader, "rotate").at(-1);
  if (!asked) return undefined;
  const { where, text: cron } = asked;
  const keysFile = given(reader, "keys").at(-1)?.text ?? "";
  if (keysFile === "") {
    reader.faults.push({ where, what: "which keys are meant is not known", remedy: "give --keys FILE too" });
  }
  const isRedisAsked = [...given(reader, "redis"), ...given(reader, "redis-file")].length > 0;
  if (stateDirectory === undefined && !redis && !isRedisAsked) {
    reader.faults.push({
      where,
      what: "a restart in mid-rotation would leave keys that nobody knows of",
      remedy: "give --state DIR, or --redis where there are several replicas",
    });
  }
  return { cron, where, keysFile };
}

/** Read `--state` and `--redis` or `--redis-file` for a rotation by hand. Without one a crash would leave keys that nobody knows of. */
export function journalGiven(reader: Reader, { side, policyFile }: KeysGiven): JournalGiven {
  const state = given(reader, "state").at(-1);
  const redis = redisGiven(reader);
  const [redisAsked] = [...given(reader, "redis"), ...given(reader, "redis-file")];
  if (side === "callers") return { stateDirectory: undefined, redis: undefined };
  if (state?.text === "") reader.faults.push({ where: state.where, what: "empty", remedy: "give --state DIR" });
  if (!state && !redisAsked) {
    reader.faults.push({
      where: "--state or --redis",
      what: "missing: a rotation must be written down, so that whoever comes after a crash can go on with it",
      remedy: "give the one that windbreak serve is given, or --state DIR with a directory that stays",
    });
  }
  if (redisAsked && (policyFile ?? "") === "") {
    reader.faults.push({
      where: redisAsked.where,
      what: "whose rotations are meant is not known",
      remedy: "give --policy FILE too: its organization names them",
    });
  }
  return { stateDirectory: state?.text, redis };
}
