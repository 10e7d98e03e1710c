import type { EpochMs } from "../../domain/units.js";

/** 9999-12-31T23:59:59.999Z, the last instant of RFC 3339. What is some months later can still be written as a date. */
const LATEST: EpochMs = 253_402_300_799_999;

/**
 * The fields of one object of a line that somebody else may have written. What is left out is false, empty or 0, as the
 * log has it; what has another type is a fault, and the first one is kept.
 */
export class LineFields {
  readonly #values: object;
  /** Where an object within it tells of its faults. */
  readonly #outer: LineFields | undefined;
  #fault: string | undefined;

  private constructor(values: object, outer?: LineFields) {
    this.#values = values;
    this.#outer = outer;
  }

  /** Read JSON; undefined for what is no object. */
  static parse(text: string): LineFields | undefined {
    try {
      const value: unknown = JSON.parse(text);
      return isObject(value) ? new LineFields(value) : undefined;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return undefined;
    }
  }

  /** What is wrong with it; undefined: nothing was found so far. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** The version of what wrote it; undefined where it says none. */
  version(): number | undefined {
    const value = this.#get("v");
    return typeof value === "number" ? value : undefined;
  }

  has(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  text(name: string): string {
    const value = this.#get(name);
    if (typeof value === "string") return value;
    if (value !== undefined) this.#wrong(name, "text");
    return "";
  }

  flag(name: string): boolean {
    const value = this.#get(name);
    if (value !== undefined && typeof value !== "boolean") this.#wrong(name, "true or false");
    return value === true;
  }

  amount(name: string): number {
    const value = this.#get(name);
    if (value === undefined) return 0;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
    this.#wrong(name, "a whole number up to 2^53-1");
    return 0;
  }

  /** A share of all, above 0; 1 where it is left out. */
  share(name: string): number {
    const value = this.#get(name);
    if (value === undefined) return 1;
    if (typeof value === "number" && value >= 0 && value <= 1) return value;
    this.#wrong(name, "a number from 0 to 1");
    return 1;
  }

  time(name: string): EpochMs {
    const value = this.#get(name);
    const at = typeof value === "string" ? Date.parse(value) : Number.NaN;
    if (at >= 0 && at <= LATEST) return at;
    this.#wrong(name, "a time");
    return 0;
  }

  /** One of several words; undefined where it is left out. */
  choice<const T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    const chosen = choices.find((choice) => choice === value);
    if (chosen === undefined) this.#wrong(name, `one of ${choices.join(", ")}`);
    return chosen;
  }

  object(name: string): LineFields | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (isObject(value)) return this.#inner(value);
    this.#wrong(name, "an object");
    return undefined;
  }

  objects(name: string): readonly LineFields[] {
    const value = this.#get(name);
    if (value === undefined) return [];
    if (Array.isArray(value) && value.every(isObject)) return value.map((one) => this.#inner(one));
    this.#wrong(name, "a list of objects");
    return [];
  }

  #inner(value: object): LineFields {
    return new LineFields(value, this.#outer ?? this);
  }

  #get(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? Reflect.get(this.#values, name) : undefined;
  }

  #wrong(name: string, expected: string): void {
    const whole = this.#outer ?? this;
    whole.#fault ??= `its ${name} is not ${expected}`;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
