/** Letters that may be compared in one reading of a file: about a fifth of a second, and thousands of suggestions. */
const MOST_CELLS = 30_000_000;

/** Finds the name that was probably meant; undefined where none is near. */
export type Suggest = (wanted: string, names: Iterable<string>) => string | undefined;

/** Make a Suggest that falls silent when it has compared enough, so that no file keeps it busy. */
export function suggester(): Suggest {
  let cells = 0;
  return (wanted, names) => {
    let best: string | undefined;
    let least = 1 + Math.max(2, Math.floor(wanted.length / 3));
    for (const name of names) {
      if (!wanted.includes("*") && Math.abs(name.length - wanted.length) >= least) continue;
      cells += name.length * wanted.length;
      if (cells > MOST_CELLS) return best;
      const edits = editsBetween(wanted.toLowerCase(), name.toLowerCase());
      if (edits >= least) continue;
      best = name;
      least = edits;
    }
    return best;
  };
}

/** Write the suggestion as a remedy, or fall back to another one. */
export function didYouMean(name: string | undefined, otherwise: string): string {
  return name === undefined ? otherwise : `did you mean ${name}?`;
}

/** Letters to insert, remove, replace or swap with the next; what a `*` stands for is free. */
function editsBetween(pattern: string, text: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: text.length + 1 }, (_, index) => index);
  for (let row = 1; row <= pattern.length; row++) {
    const letter = pattern.charAt(row - 1);
    const free = letter === "*";
    const line = [free ? (last[0] ?? 0) : row];
    for (let column = 1; column <= text.length; column++) {
      const changed = (last[column - 1] ?? 0) + (free || letter === text.charAt(column - 1) ? 0 : 1);
      const removed = (last[column] ?? 0) + (free ? 0 : 1);
      const added = (line[column - 1] ?? 0) + (free ? 0 : 1);
      let edits = Math.min(changed, removed, added);
      const swapped =
        row > 1 &&
        column > 1 &&
        letter === text.charAt(column - 2) &&
        pattern.charAt(row - 2) === text.charAt(column - 1);
      if (swapped) edits = Math.min(edits, (beforeLast[column - 2] ?? 0) + 1);
      line.push(edits);
    }
    beforeLast = last;
    last = line;
  }
  return last[text.length] ?? 0;
}
