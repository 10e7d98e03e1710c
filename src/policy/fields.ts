import { z } from "zod";
import type { Fraction } from "../domain/money.js";
import { MAX_AMOUNT } from "../domain/units.js";
import { suggester } from "./nearest.js";
import { decimalText, ONE, readNumber } from "./number-text.js";
import { describe, show } from "./show.js";

/** What a field says to a person when it is not as it must be. */
export interface Words {
  /** "a whole number": stands after "expected". */
  readonly expected: string;
  /** What to do where the key is missing. */
  readonly missing?: string;
  /** What to do where the value is wrong. */
  readonly remedy?: string;
  /** A secret may stand here by mistake: no fault shows a text that does. */
  readonly mayBeSecret?: boolean;
}

/** Put what is wrong and its remedy into the one text that a zod issue carries; `readMessage` takes it apart. */
export function message(what: string, remedy: string): string {
  return `${what}\n${remedy}`;
}

/** The two parts of a `message`. Neither holds a line break: what comes from the file is shown escaped. */
export function readMessage(text: string): { readonly what: string; readonly remedy: string } {
  const [what = "", remedy = "see docs/policy.md"] = text.split("\n");
  return { what, remedy };
}

/** Describe a value of the wrong type; for zod's `error` option. */
export function wrongType({
  expected,
  missing,
  remedy,
  mayBeSecret = false,
}: Words): (issue: { readonly input?: unknown }) => string {
  return ({ input }) => {
    if (input === undefined) return message("missing", missing ?? `add it: ${expected}`);
    const isHidden = mayBeSecret && typeof input === "string";
    const what = `expected ${expected}, found ${isHidden ? HIDDEN : describe(input)}`;
    if (input === null) return message(what, "give it a value, or remove the key");
    // A plain number is one that could not be read exactly.
    if (typeof input === "number" && Number.isFinite(input) && expected.includes("number")) {
      return Math.abs(input) < MAX_AMOUNT
        ? message(`${what}, which has more than 9 decimal places`, "round it to 9")
        : message(what, "write less");
    }
    const number = typeof input === "string" ? readNumber(input) : undefined;
    if (expected.includes("number") && number !== undefined) return message(what, "remove the quotes");
    if (expected.includes("text") && /^(bigint|number|boolean)$/.test(typeof input)) return message(what, "quote it");
    return message(what, remedy ?? `write ${expected}`);
  };
}

/** In place of what may be a key. */
const HIDDEN = "a text that is not shown";

/** A map with these keys and no others. */
export function section<Shape extends z.core.$ZodShape>(words: Words, shape: Shape) {
  const describeType = wrongType(words);
  const known = Object.keys(shape).join(" ");
  return z.strictObject(shape, {
    error: (issue) => (issue.code === "unrecognized_keys" ? known : describeType(issue)),
  });
}

/** A map from names to values of one kind. The names' form is checked beside the schema, so that it hides no fault. */
export function named<Value extends z.ZodType>(words: Words, form: RegExp, value: Value) {
  return z.record(z.string().meta({ pattern: form.source }), value, { error: wrongType(words) });
}

/** A list of values of one kind. */
export function list<Value extends z.ZodType>(words: Words, value: Value) {
  return z.array(value, { error: wrongType(words) });
}

/** A text of a certain form. */
export function text(words: Words, form?: RegExp) {
  const field = z.string({ error: wrongType(words) });
  if (!form) return field;
  const error = ({ input }: { readonly input?: unknown }) =>
    message(
      `${words.mayBeSecret ? HIDDEN : show(String(input))} is not ${words.expected.replace(" as text", "")}`,
      words.remedy ?? "correct it",
    );
  return field.regex(form, { error });
}

/** One word of several. */
export function choice<const Value extends string>(values: readonly [Value, ...Value[]]) {
  const expected = values.length > 3 ? `one of ${values.length} names` : values.join(" or ");
  const describeType = wrongType({ expected, remedy: `write ${values.join(", ")}` });
  return z.enum(values, {
    error: (issue) => {
      const near = typeof issue.input === "string" ? suggester()(issue.input, values) : undefined;
      return near === undefined
        ? describeType(issue)
        : message(`expected ${expected}, found ${describe(issue.input)}`, `did you mean ${near}?`);
    },
  });
}

/** true or false. */
export function flag() {
  return z.boolean({ error: wrongType({ expected: "true or false", remedy: "write true or false, without quotes" }) });
}

/** What a number must be besides its type. Bounds are in units of 1e-9. */
interface Bounds extends Words {
  readonly whole: boolean;
  readonly least: bigint;
  /** What to do where it is below. */
  readonly below: string;
  readonly most: bigint;
  readonly above?: string;
}

/** The words of a number: what it must be, and what to do where it is out of bounds. */
type NumberWords = Partial<Words> & Partial<Pick<Bounds, "below" | "above">>;

/** A whole number from `least` up. */
export function whole(least: number, words: NumberWords = {}) {
  const most = BigInt(MAX_AMOUNT) * ONE;
  return number({
    expected: "a whole number",
    below: `write ${least} or more`,
    ...words,
    whole: true,
    least: BigInt(least) * ONE,
    most,
  })
    .transform((units) => Number(units / ONE))
    .meta({
      anyOf: [
        { type: "integer", minimum: least, maximum: MAX_AMOUNT },
        { type: "string", pattern: "^[0-9]+(_[0-9]+)+$", description: "An integer with _ between its digits." },
      ],
    });
}

/** An amount of USD, read exactly: becomes whole nano-USD. */
export function usd(least: 0 | 1, words: NumberWords = {}) {
  return decimal(least, { expected: "a number of USD", ...words }).transform(Number);
}

/** An amount whose unit another key decides, read exactly: units of 1e-9. */
export function amount(words: NumberWords = {}) {
  const most = BigInt(MAX_AMOUNT) * ONE;
  const bounds = { expected: "a number", below: "write 0 or more", ...words, whole: false, least: 0n, most };
  return number(bounds).meta({
    anyOf: [
      { type: "number", minimum: 0, maximum: MAX_AMOUNT },
      { type: "string", pattern: "^[0-9]+(_[0-9]+)+([.][0-9]{1,9})?$", description: "A number with _ between digits." },
    ],
  });
}

/** A number above 0 with at most nine places, as an exact fraction. */
export function factor(words: Words) {
  return decimal(1, words).transform(reduced);
}

function decimal(least: 0 | 1, words: Words & NumberWords) {
  const below = least === 0 ? "write 0 or more" : "write a number above 0";
  const bounds = { below, ...words, whole: false, least: BigInt(least), most: BigInt(MAX_AMOUNT) };
  const sign = least === 0 ? { minimum: 0 } : { exclusiveMinimum: 0 };
  return number(bounds).meta({
    anyOf: [
      { type: "number", ...sign, maximum: MAX_AMOUNT / 1e9 },
      { type: "string", pattern: "^[0-9]+(_[0-9]+)+([.][0-9]{1,9})?$", description: "A number with _ between digits." },
    ],
  });
}

function number(bounds: Bounds) {
  return z.bigint({ error: wrongType(bounds) }).superRefine((units, check) => {
    const fault = outOfBounds(bounds, units);
    if (fault !== undefined) check.addIssue({ code: "custom", message: fault });
  });
}

function outOfBounds(
  { expected, whole, least, below, most, above = "write less" }: Bounds,
  units: bigint,
): string | undefined {
  const shown = decimalText(units);
  if (whole && units % ONE !== 0n) return message(`expected ${expected}, found ${shown}`, "write it without decimals");
  if (units < least) return message(`${shown} is too small`, below);
  if (units > most) return message(`${shown} is above ${decimalText(most)}, the most that is counted`, above);
  return undefined;
}

function reduced(units: bigint): Fraction {
  let [numerator, denominator] = [units, ONE];
  while (denominator > 1n && numerator % 10n === 0n) [numerator, denominator] = [numerator / 10n, denominator / 10n];
  return { numerator, denominator };
}
