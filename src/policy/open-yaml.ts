import { composeYaml } from "./compose-yaml.js";
import { decodeText } from "./decode.js";
import { type Fault, faultsOf, lineFinder, type Path, type Problem, type Spot } from "./faults.js";
import { locator } from "./locate.js";
import { plainData } from "./plain-data.js";

/** A YAML file whose syntax is sound: its values, and where they stand. */
export interface OpenYaml {
  readonly kind: "open";
  readonly data: unknown;
  /** What no file may hold, such as a key twice. */
  readonly oddities: readonly Spot[];
  readonly offsetOf: (path: Path, at: "key" | "value") => number;
  /** The line and column of an offset, both from 1. */
  readonly placeOf: (offset: number) => { readonly line: number; readonly column: number };
  /** Bring what was found wrong into the order of the file, with the oddities where they are given. */
  readonly faultsOf: (problems: readonly Problem[], oddities?: readonly Spot[]) => readonly Fault[];
}

/**
 * Read the bytes of a YAML file as plain values. Never throws, whatever the bytes.
 *
 * @param file what the faults call the file; it is not opened.
 */
export function openYaml(
  bytes: Uint8Array,
  file: string,
): OpenYaml | { readonly kind: "faulty"; readonly faults: readonly Fault[] } {
  const { text, spots } = decodeText(bytes);
  if (spots.length > 0) return { kind: "faulty", faults: faultsOf(spots, text, file) };
  const composed = composeYaml(text);
  if (!composed.root) return { kind: "faulty", faults: faultsOf(composed.spots, text, file) };

  const { data, targets, spots: oddities } = plainData(composed.root, text);
  const offsetOf = locator(composed.root, targets);
  const placed = (problem: Problem): Spot => ({ ...problem, offset: offsetOf(problem.path, problem.at) });
  return {
    kind: "open",
    data,
    oddities,
    offsetOf,
    placeOf: lineFinder(text),
    faultsOf: (problems, odd = []) => faultsOf([...odd, ...problems.map(placed)], text, file),
  };
}
