import type { FieldValue } from "./body-reader.js";
import { type Unreadable, unreadable } from "./mistral-call.js";
import type { Field } from "./rule.js";

/** The values that decide, by their field. */
export type Fields = ReadonlyMap<Field, FieldValue>;

/** A name that must be there: a string that is not empty. */
export function nameIn(fields: Fields, field: Field): string | Unreadable {
  const value = fields.get(field);
  if (value === undefined || value.kind === "null") return unreadable(`${field} is required`, field);
  if (value.kind === "long") return unreadable(`${field} is too long`, field);
  if (value.kind !== "string" || value.text === "") return unreadable(`${field} must be a name`, field);
  return value.text;
}

/**
 * A whole number from `least` to 2^53-1. `1e3` and `10.0` are whole numbers, a string never is one.
 *
 * @returns undefined where the field is absent or null.
 */
export function countIn(fields: Fields, field: Field, least: number): number | undefined | Unreadable {
  const value = fields.get(field);
  if (value === undefined || value.kind === "null") return undefined;
  const count = value.kind === "number" ? Number(value.text) : Number.NaN;
  if (Number.isSafeInteger(count) && count >= least) return count === 0 ? 0 : count;
  return unreadable(`${field} must be a whole number from ${least} to 2^53-1`, field);
}

/** Whether a switch is on: true, false, null or absent. */
export function switchIn(fields: Fields, field: Field): boolean | Unreadable {
  const { kind } = fields.get(field) ?? { kind: "null" };
  if (kind === "true") return true;
  return kind === "false" || kind === "null" ? false : unreadable(`${field} must be true or false`, field);
}
