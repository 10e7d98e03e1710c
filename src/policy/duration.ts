import { z } from "zod";
import type { Millis } from "../domain/units.js";
import { message, text } from "./fields.js";
import { show } from "./show.js";

const FORM = /^(?=\d)(?:(\d{1,5})h)?(?:(\d{1,5})m)?(?:(\d{1,5})s)?$/;
const DAY_MS = 86_400_000;
const REMEDY = "write hours, minutes and seconds such as 90s, 15m or 1h30m, from 1s to 24h";

/** A span of time such as `15m` or `1h30m`, from 1s to 24h, as milliseconds. */
export function duration() {
  return text({ expected: "a duration such as 15m", remedy: REMEDY })
    .meta({ pattern: FORM.source })
    .transform((written, check): Millis => {
      const ms = readDuration(written);
      if (ms !== undefined) return ms;
      check.addIssue({ code: "custom", message: message(`${show(written)} is no duration from 1s to 24h`, REMEDY) });
      return z.NEVER;
    });
}

function readDuration(written: string): Millis | undefined {
  const match = FORM.exec(written);
  if (!match) return undefined;
  const [hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) => Number(part ?? 0));
  const ms = ((hours * 60 + minutes) * 60 + seconds) * 1_000;
  return ms >= 1_000 && ms <= DAY_MS ? ms : undefined;
}
