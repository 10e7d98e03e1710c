import { z } from "zod";
import { NAME, NAME_RULE } from "../domain/names.js";
import { flag, list, section, text, wrongType } from "./fields.js";

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Where a secret lies: exactly one of file and env, which is checked beside the schema. */
export function secret(missing?: string) {
  const remedy = "write { file: /run/secrets/NAME } or { env: NAME }";
  const words = { expected: "a map with file or env", remedy, mayBeSecret: true };
  return section(missing === undefined ? words : { ...words, missing }, {
    file: text({ expected: "a path as text", mayBeSecret: true }, /^\S(?:.*\S)?$/)
      .optional()
      .meta({ description: "A file whose content is the secret." }),
    env: text({ expected: "the name of an environment variable as text", mayBeSecret: true }, ENV_NAME)
      .optional()
      .meta({ description: "An environment variable that holds the secret." }),
  }).meta({ minProperties: 1, maxProperties: 1 });
}

const percent = text(
  { expected: "a percentage from 1% to 100%", remedy: "write it with its sign: 80%" },
  /^(?:[1-9]\d?|100)%$/,
).transform((written) => Number(written.slice(0, -1)));

const pattern = text(
  { expected: "a limit's name or a pattern as text", remedy: 'write a pattern such as "*.usd_per_month"' },
  /\S/,
);

/** One alert: at which shares of which limits whom to tell. Patterns become a list. */
export const alertSchema = section(
  { expected: "an alert as a map", remedy: 'write { at: [80%], limits: "*.usd_per_month", notify: NAME }' },
  {
    at: list(
      { expected: "a list of percentages", missing: "add at: [80%, 100%]", remedy: "write [80%, 100%]" },
      percent,
    )
      .min(1, { error: () => "no percentage\nadd one such as 80%" })
      .meta({ description: "Shares of the ceiling, 1% to 100%, at which to tell." }),
    forecast: flag().default(false).meta({
      description:
        "Tell also when the pace of an hour, day, week or month will use the ceiling up before its end. Default: false.",
    }),
    limits: z
      .union([pattern, list({ expected: "a list of patterns" }, pattern)], {
        error: wrongType({
          expected: "a pattern of limit names as text, or a list of them",
          missing: 'add limits: "*.usd_per_month"',
        }),
      })
      .transform((written) => (typeof written === "string" ? [written] : written))
      .meta({ description: "Names of limits such as organization.usd_per_month; * stands for any characters." }),
    notify: text(
      { expected: `a name under notify (${NAME_RULE})`, missing: "name one of the targets under notify" },
      NAME,
    ).meta({
      description: "Whom to tell: a name under notify.",
    }),
  },
).meta({ id: "Alert", title: "Alert" });

/** One target of alerts. */
export const notifySchema = section(
  { expected: "a map with webhook", remedy: "write { webhook: https://… }" },
  {
    webhook: text(
      {
        expected: "an http or https URL as text",
        missing: "add the URL to post to",
        remedy: "write the whole URL",
        mayBeSecret: true,
      },
      /^https?:\/\/[^\s/]+\S*$/,
    ).meta({ description: "Where alerts are posted." }),
    secret: secret().optional().meta({ description: "What the posts are signed with." }),
  },
).meta({ id: "NotifyTarget", title: "Notify target" });
