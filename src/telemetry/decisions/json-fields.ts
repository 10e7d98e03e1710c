/**
 * Parts of a JSON object, as text with a comma before each: put together by hand, because JSON.stringify of an object with
 * some thirty fields takes longer than the decision that it describes.
 */

/** All that needs no escape in JSON: printable ASCII but for `"` and `\`. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** Write text as JSON. */
export function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** A field of text; nothing where it is empty. */
export function textField(name: string, value: string | undefined): string {
  return value === undefined || value === "" ? "" : `,"${name}":${quoted(value)}`;
}

/** A field of a number; nothing where there is none. */
export function numberField(name: string, value: number | undefined): string {
  return value === undefined ? "" : `,"${name}":${value}`;
}

/** The same, and nothing for 0. */
export function amountField(name: string, value: number | undefined): string {
  return value === 0 ? "" : numberField(name, value);
}

/** A field that is true; nothing where it is not. */
export function flagField(name: string, isSet: boolean | undefined): string {
  return isSet ? `,"${name}":true` : "";
}

/** A field with a list of texts; nothing where it is empty. */
export function listField(name: string, values: readonly string[]): string {
  return values.length === 0 ? "" : `,"${name}":[${values.map(quoted).join()}]`;
}

/** A field with texts by name; nothing where there are none. */
export function mapField(name: string, values: Readonly<Record<string, string>>): string {
  let fields = "";
  for (const key in values) fields += `${fields === "" ? "" : ","}${quoted(key)}:${quoted(values[key] ?? "")}`;
  return fields === "" ? "" : `,"${name}":{${fields}}`;
}
