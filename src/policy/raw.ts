// The checks between parts of a file read it as it stands, not as the schema returns it: the schema returns nothing
// where anything is wrong, and then only some faults would be told.

/** What stands at a path of a file that may be wrong anywhere; undefined where nothing does. */
export function at(raw: unknown, ...path: readonly string[]): unknown {
  return path.reduce((value, key) => (isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined), raw);
}

/** The keys and values of a map; nothing where it is no map. */
export function entriesAt(raw: unknown, ...path: readonly string[]): readonly (readonly [string, unknown])[] {
  const value = at(raw, ...path);
  return isRecord(value) ? Object.entries(value) : [];
}

/** The items of a list; nothing where it is no list. */
export function itemsAt(raw: unknown, ...path: readonly string[]): readonly unknown[] {
  const value = at(raw, ...path);
  return Array.isArray(value) ? value : [];
}

/** The text at a path; undefined where there is none. */
export function textAt(raw: unknown, ...path: readonly string[]): string | undefined {
  const value = at(raw, ...path);
  return typeof value === "string" ? value : undefined;
}

/** Whether a value is a map. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
