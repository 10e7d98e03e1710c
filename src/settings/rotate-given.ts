import type { RedisTarget } from "../counters/redis/redis-url.js";
import { given, type Reader } from "./given.js";
import type { KeysGiven } from "./keys-given.js";
import { redisGiven } from "./redis-given.js";

/** Where it is written how far rotations have come. Redis, where both are given: there replicas see it too. */
export interface JournalGiven {
  readonly stateDirectory: string | undefined;
  readonly redis: RedisTarget | undefined;
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
