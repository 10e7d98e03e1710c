/** What of a text does not differ from run to run: its words, but no numbers, ids, times or widths of columns; nor when a line was logged. */
function skeleton(line: string): string {
  return line
    .replace(/^\S+Z (info|warn|error) +/, "")
    .replaceAll(/\b[0-9a-f]{16}\b/g, "#")
    .replaceAll(/\bAAAAA[\w-]{20,}/g, "#")
    .replaceAll(/\$?\d[\d,._:TZ-]*/g, "#")
    .replaceAll(/\s+/g, " ")
    .trim();
}

/**
 * Hold what a page shows against what came: each line shown must be among those that came, in their order. `…` stands
 * for any lines.
 *
 * @returns what is wrong; undefined where nothing is.
 */
export function textFault(shown: string, real: string): string | undefined {
  const came = real.split("\n").map(skeleton);
  let from = 0;
  for (const line of shown.split("\n")) {
    const wanted = skeleton(line);
    if (wanted === "" || wanted === "…") continue;
    const found = came.indexOf(wanted, from);
    if (found < 0) return `it shows "${line.trim()}", which did not come; what came:\n${real.trim()}`;
    from = found + 1;
  }
  return undefined;
}

/** Hold the keys of the JSON that a page shows against those of the JSON that came. Names of amounts and texts are free. */
export function jsonFault(shown: string, real: string): string | undefined {
  const came = lastJson(real);
  if (came === undefined) return `it shows JSON, and what came is none:\n${real.trim()}`;
  const [wanted, got] = [keysOf(JSON.parse(shown)), keysOf(came)];
  const missing = [...wanted].filter((key) => !got.has(key));
  const added = [...got].filter((key) => !wanted.has(key));
  if (missing.length + added.length === 0) return undefined;
  return `its keys differ from what came: shown in vain ${missing.join(", ") || "none"}; not shown ${added.join(", ") || "none"}; what came:\n${JSON.stringify(came, undefined, 2)}`;
}

/** The last JSON in an output, whole or behind headers or on a line of its own. */
export function lastJson(text: string): unknown {
  const starts = [...text.matchAll(/^[[{]/gm)].map(({ index }) => index).reverse();
  for (const start of starts) {
    try {
      return JSON.parse(text.slice(start));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return undefined;
}

function keysOf(value: unknown, path = ""): Set<string> {
  const keys = new Set<string>();
  if (Array.isArray(value)) {
    for (const one of value) for (const key of keysOf(one, `${path}[]`)) keys.add(key);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      keys.add(`${path}.${key}`);
      for (const deeper of keysOf(inner, `${path}.${key}`)) keys.add(deeper);
    }
  }
  return keys;
}
