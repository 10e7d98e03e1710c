import type { Tokens } from "../domain/units.js";

/** What is counted of a body besides its text. */
export type Mark =
  | "image"
  /** Something that Mistral expands by what the body does not hold. */
  | "unbounded"
  | "audio"
  /** A tool; `function_tool` where it has a function. */
  | "tool"
  | "function_tool"
  | "built_in_tool"
  /** A message whose content is not written out as JSON. */
  | "plain_role"
  | "page"
  | "image_document"
  | "other_document"
  | "annotation";

/** A value that decides, and is kept. */
export type Field = "model" | "agent_id" | "max_tokens" | "n" | "stream" | "service_tier" | "pages";

/**
 * What a value at one place of a body means, by its type. null is taken everywhere and means nothing.
 *
 * A value of a type that the rule does not know is refused where the rule has a `param`, else it costs its bytes.
 */
export interface Rule {
  /**
   * A string is expected: it costs its text; or as `dumped` what it becomes when it is read as JSON and written again;
   * `content` is text that becomes `dumped` in the message of a tool; `free` costs nothing.
   */
  readonly string?: "text" | "content" | "dumped" | "free";
  /** A whole number from 0 on is expected. */
  readonly isCount?: true;
  readonly items?: Rule;
  readonly members?: ReadonlyMap<string, Rule>;
  /** For members that `members` does not name. Absent: they cost their bytes. */
  readonly other?: Rule;
  /**
   * Any value is expected, and costs nothing, or what it is when written again. Rules for what is in it may mark, and
   * must be free.
   */
  readonly whole?: "free" | "json";
  /** A message: its role says what its content costs. */
  readonly isMessage?: true;
  /** Tokens for each value, besides what it costs. */
  readonly overhead?: Tokens;
  readonly mark?: Mark;
  /** Only these strings set the mark. */
  readonly onlyFor?: ReadonlySet<string>;
  /** These strings do not set the mark. */
  readonly exceptFor?: ReadonlySet<string>;
  readonly field?: Field;
  /** What a caller knows the value as. */
  readonly param?: string;
}

export const FREE: Rule = { whole: "free" };
export const JSON_VALUE: Rule = { whole: "json" };
export const TEXT: Rule = { string: "text" };

/** Rules by the key of their member. */
export function members(rules: Readonly<Record<string, Rule>>): ReadonlyMap<string, Rule> {
  return new Map(Object.entries(rules));
}

/** One rule for members of several keys. */
export function same(rule: Rule, keys: readonly string[]): Readonly<Record<string, Rule>> {
  return Object.fromEntries(keys.map((key) => [key, rule]));
}
