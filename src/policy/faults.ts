import { printable } from "../domain/printable.js";
import { show } from "./show.js";

/** Something wrong in a policy file, told to a person: where it stands, what it is, and what to do about it. */
export interface Fault {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units, as editors count. */
  readonly column: number;
  /** Dotted, `workspaces.dev.limits`; empty where the file as a whole is meant. */
  readonly path: string;
  readonly what: string;
  readonly remedy: string;
}

/** Keys and list positions from the top of the file down. */
export type Path = readonly (string | number)[];

/** A fault whose place is known by its path only. */
export interface Problem {
  readonly path: Path;
  /** Whether the key is at fault or what it holds. */
  readonly at: "key" | "value";
  readonly what: string;
  /** A function where finding the words costs something: a file may hold more faults than anyone is shown. */
  readonly remedy: string | (() => string);
}

/** A fault whose place is known as an offset into the text. */
export interface Spot {
  readonly offset: number;
  readonly path: Path;
  readonly what: string;
  readonly remedy: string | (() => string);
}

/** Nobody mends more than these before they look again, and a broken generator can produce a million. */
const MOST_FAULTS = 1_000;

/** Write a fault on one line: `FILE:LINE:COL: PATH: what; remedy`. A terminal finds nothing in it to act on. */
export function formatFault(fault: Fault): string {
  const path = fault.path === "" ? "" : `${fault.path}: `;
  return printable(`${fault.file}:${fault.line}:${fault.column}: ${path}${fault.what}; ${fault.remedy}`);
}

/** Write a path with dots; a key that holds more than name characters is quoted. */
export function dotted(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += `${text === "" ? "" : "."}${/^[\w:@*/+-]+$/.test(part) ? part : show(part)}`;
  }
  return text;
}

/**
 * Bring spots into the order of the file, once each, with lines and columns.
 *
 * What stands behind an anchor is at fault in one place, however often it is used. Beyond 1,000 the last fault says
 * how many more there are.
 */
export function faultsOf(spots: readonly Spot[], text: string, file: string): readonly Fault[] {
  const placed = lineFinder(text);
  const seen = new Set<string>();
  const unique = [...spots]
    .sort((left, right) => left.offset - right.offset)
    .filter(({ offset, path, what }) => {
      const name = `${offset} ${path.at(-1)} ${what}`;
      return !seen.has(name) && seen.add(name);
    });

  const faults = unique.slice(0, MOST_FAULTS).map(({ offset, path, what, remedy }) => ({
    file,
    ...placed(offset),
    path: dotted(path),
    what,
    remedy: typeof remedy === "string" ? remedy : remedy(),
  }));
  const next = unique[MOST_FAULTS];
  if (!next) return faults;
  const what = `${unique.length - MOST_FAULTS} more faults from here on`;
  return [...faults, { file, ...placed(next.offset), path: "", what, remedy: "mend those above and check again" }];
}

/** Make a function from offsets in a text to lines and columns, both from 1. */
export function lineFinder(text: string): (offset: number) => { readonly line: number; readonly column: number } {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);

  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}
