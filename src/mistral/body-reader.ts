import type { Tokens } from "../domain/units.js";
import type { JsonToken } from "./json-token.js";
import type { JsonVisitor } from "./json-walk.js";
import { type Field, FREE, JSON_VALUE, type Mark, type Rule } from "./rule.js";

/** A value that decides: a scalar as it stands there, a string's text, or what else stands there. */
export type FieldValue =
  | { readonly kind: "string" | "number"; readonly text: string }
  | { readonly kind: "true" | "false" | "null" | "object" | "array" | "long" };

/** Names and numbers that decide are shorter; what is longer is not decoded. */
const LONGEST_FIELD = 512;

/** Around a string. */
const QUOTES = 2;
/** Behind a key and behind its value, each with a space. */
const SEPARATORS = 4;
/** What Mistral's templates write around the content of a tool's message. */
const TOOL_RESULT_TOKENS = 48;

type Kind = JsonToken["kind"] | "object" | "array";

/** An object or array that the walk stands within. Used again for the next one at its depth. */
interface Frame {
  rule: Rule;
  /** Of the value that comes next. */
  next: Rule;
  /** What it will cost as a whole; undefined where its parts cost. */
  whole: "free" | "json" | undefined;
  start: number;
  growthBefore: number;
  plainRolesBefore: number;
}

function frameFor(next: Rule): Frame {
  return { rule: FREE, next, whole: undefined, start: 0, growthBefore: 0, plainRolesBefore: 0 };
}

/**
 * Counts, by the rules of one form, what a body can cost at most, and keeps the values that decide.
 *
 * What it counts is an upper bound of tokens: no token of Mistral's is shorter than a byte. Where Mistral writes JSON
 * out again, the bytes that this may add are counted too.
 */
export class BodyReader implements JsonVisitor {
  readonly fields = new Map<Field, FieldValue>();
  inputTokens: Tokens = 0;
  /** What a caller knows the first value as that is of the wrong type. */
  wrong: string | undefined;
  readonly #marks = new Map<Mark, number>();
  /** By depth; the first one holds the document. */
  readonly #frames: Frame[];
  #depth = 0;
  #frame: Frame;
  /** Bytes that JSON so far grows by when written again. */
  #growth = 0;
  /** What the content so far of this message costs more where a tool's message holds it. */
  #toolExtra = 0;

  constructor(shape: Rule) {
    this.#frame = frameFor({ param: "body", ...shape });
    this.#frames = [this.#frame];
  }

  count(mark: Mark): number {
    return this.#marks.get(mark) ?? 0;
  }

  beginObject(at: number): void {
    this.#open("object", at);
  }

  endObject(end: number): void {
    this.#close(end);
  }

  beginArray(at: number): void {
    this.#open("array", at);
  }

  endArray(end: number): void {
    this.#close(end);
  }

  key(name: string, token: JsonToken): void {
    this.#growth++;
    const frame = this.#frame;
    const known = frame.rule.members?.get(name) ?? frame.rule.other;
    frame.next = known ?? (frame.whole ? FREE : JSON_VALUE);
    if (!known && !frame.whole) this.#add(token.end - token.start + SEPARATORS);
  }

  scalar(token: JsonToken): void {
    const rule = this.#take();
    const { kind } = token;
    if (kind === "number") this.#growth += token.growth;
    if (rule.field) this.fields.set(rule.field, fieldOf(token));
    if (kind === "null") return;
    this.#markScalar(rule, token);
    this.#addOverhead(rule, this.#fits(rule, kind, token));
    if (rule.whole === "free") return;
    if (kind === "string" && rule.string) this.#addText(rule.string, token);
    else if (!rule.isCount) this.#add(token.end - token.start + token.growth);
  }

  /** The rule of the value that begins. */
  #take(): Rule {
    this.#growth++;
    return this.#frame.next;
  }

  #markScalar({ mark, onlyFor, exceptFor }: Rule, token: JsonToken): void {
    if (!mark || token.kind === "false") return;
    const named = onlyFor ?? exceptFor;
    const text = named && token.kind === "string" && token.end - token.start <= LONGEST_FIELD ? token.text() : "";
    if (onlyFor ? onlyFor.has(text) : !exceptFor?.has(text)) this.#mark(mark);
  }

  #mark(mark: Mark): void {
    this.#marks.set(mark, this.count(mark) + 1);
  }

  /** Whether the rule expects such a value. One that it does not expect costs its bytes or is a fault. */
  #fits(rule: Rule, kind: Kind, token?: JsonToken): boolean {
    const fits =
      rule.whole !== undefined ||
      (kind === "object" && rule.members !== undefined) ||
      (kind === "array" && rule.items !== undefined) ||
      (kind === "string" && rule.string !== undefined) ||
      (rule.isCount === true && kind === "number" && isCount(token?.text()));
    if (!fits && rule.param) this.wrong ??= rule.param;
    return fits;
  }

  #addText(cost: NonNullable<Rule["string"]>, token: JsonToken): void {
    if (cost === "free") return;
    const dumped = token.quotedBytes + token.growth + QUOTES;
    this.#add(cost === "dumped" ? dumped : token.textBytes);
    if (cost === "content") this.#toolExtra += dumped - token.textBytes;
  }

  /** What is written out as JSON again is so whatever it is. */
  #addOverhead({ overhead = 0, string }: Rule, fits: boolean): void {
    if (fits || string === "dumped") this.#add(overhead);
  }

  #add(tokens: Tokens): void {
    this.inputTokens += tokens;
  }

  #open(kind: "object" | "array", at: number): void {
    const rule = this.#take();
    if (rule.field) this.fields.set(rule.field, { kind });
    const fits = this.#fits(rule, kind);
    if (rule.mark && !rule.onlyFor) this.#mark(rule.mark);
    this.#addOverhead(rule, fits);
    const whole = rule.whole ?? (fits ? undefined : "json");
    if (rule.isMessage && kind === "object") this.#toolExtra = TOOL_RESULT_TOKENS;
    const inner = fits ? rule : FREE;
    const frame = this.#enter();
    frame.rule = inner;
    frame.next = (kind === "array" ? inner.items : undefined) ?? FREE;
    frame.whole = whole;
    frame.start = at;
    frame.growthBefore = this.#growth;
    frame.plainRolesBefore = inner.isMessage ? this.count("plain_role") : 0;
  }

  #enter(): Frame {
    this.#depth++;
    this.#frame = this.#frames[this.#depth] ??= frameFor(FREE);
    return this.#frame;
  }

  #close(end: number): void {
    const frame = this.#frame;
    this.#frame = this.#frames[--this.#depth] ?? frame;
    if (frame.whole === "json") this.#add(end - frame.start + this.#growth - frame.growthBefore);
    if (!frame.rule.isMessage) return;
    if (this.count("plain_role") === frame.plainRolesBefore) this.#add(this.#toolExtra);
    this.#toolExtra = 0;
  }
}

function isCount(text = ""): boolean {
  const count = Number(text);
  return Number.isSafeInteger(count) && count >= 0;
}

function fieldOf(token: JsonToken): FieldValue {
  const { kind } = token;
  if (kind !== "string" && kind !== "number") return { kind };
  return token.end - token.start > LONGEST_FIELD ? { kind: "long" } : { kind, text: token.text() };
}
