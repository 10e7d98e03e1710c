/** The numbers of a policy file are bigints in units of 1e-9: exact, and never mistaken for text. */
export const ONE = 1_000_000_000n;

const PLACES = 9;
/** Far beyond what any key takes, and short enough that no number costs time. */
const LONGEST = 64;

const NUMBER = /^([-+]?)(\d+(?:_\d+)*|)(?:\.(\d*))?(?:[eE]([-+]?\d{1,3}))?$/;
const RADIX = /^0(?:o[0-7]+|x[0-9a-fA-F]+)$/;
const SPECIAL = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;

/**
 * Read a number of YAML 1.2's core schema, where digits may also be parted by `_`.
 *
 * @returns units of 1e-9; a plain number, good only for messages, where the text has more than nine decimal places or
 *   is out of all proportion; undefined where the text is no number.
 */
export function readNumber(text: string): bigint | number | undefined {
  if (text.length > LONGEST) return /^[-+]?[\d_.]+$/.test(text) ? Number(text.replaceAll("_", "")) : undefined;
  if (RADIX.test(text)) return BigInt(text) * ONE;
  if (SPECIAL.test(text)) return text.endsWith("f") || text.endsWith("F") ? Number.POSITIVE_INFINITY : Number.NaN;

  const match = NUMBER.exec(text);
  if (!match) return undefined;
  const [, sign, whole = "", places = "", exponent = "0"] = match;
  if (whole === "" && places === "") return undefined;

  const shift = PLACES + Number(exponent) - places.length;
  if (shift < 0 || shift > LONGEST) return Number(text.replaceAll("_", ""));
  const units = BigInt(whole.replaceAll("_", "") + places + "0".repeat(shift));
  return sign === "-" ? -units : units;
}

/** Write units of 1e-9 as a decimal number. */
export function decimalText(units: bigint): string {
  const digits = String(units < 0n ? -units : units).padStart(PLACES + 1, "0");
  const places = digits.slice(-PLACES).replace(/0+$/, "");
  return `${units < 0n ? "-" : ""}${digits.slice(0, -PLACES)}${places === "" ? "" : `.${places}`}`;
}
