/** What of a number has been read last. */
type Part = "sign" | "zero" | "whole" | "point" | "fraction" | "e" | "e_sign" | "exponent";

const COMPLETE: ReadonlySet<Part> = new Set<Part>(["zero", "whole", "fraction", "exponent"]);
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;

/** Scans one JSON number after another, chunk by chunk. No `+1`, `01`, `.5`, `1.` or `Infinity`. */
export class NumberScan {
  #part: Part = "sign";

  /** The number that ended last, or goes on, has an exponent. */
  get hasExponent(): boolean {
    return this.#part === "exponent";
  }

  /** The number may end here. */
  get isComplete(): boolean {
    return COMPLETE.has(this.#part);
  }

  /** Begin with the first byte; false: no number begins so. */
  begin(byte: number): boolean {
    if (byte === MINUS) this.#part = "sign";
    else if (byte === ZERO) this.#part = "zero";
    else if (isDigit(byte)) this.#part = "whole";
    else return false;
    return true;
  }

  /** Scan on from an index; the result is the first index that is not the number's. */
  scan(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length) {
      const part = next(this.#part, chunk[at] ?? 0);
      if (!part) break;
      this.#part = part;
      at++;
    }
    return at;
  }
}

function next(part: Part, byte: number): Part | undefined {
  switch (part) {
    case "sign":
      return byte === ZERO ? "zero" : isDigit(byte) ? "whole" : undefined;
    case "zero":
      return byte === POINT ? "point" : isE(byte) ? "e" : undefined;
    case "whole":
      return isDigit(byte) ? "whole" : byte === POINT ? "point" : isE(byte) ? "e" : undefined;
    case "point":
      return isDigit(byte) ? "fraction" : undefined;
    case "fraction":
      return isDigit(byte) ? "fraction" : isE(byte) ? "e" : undefined;
    case "e":
      return byte === PLUS || byte === MINUS ? "e_sign" : isDigit(byte) ? "exponent" : undefined;
    case "e_sign":
    case "exponent":
      return isDigit(byte) ? "exponent" : undefined;
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isE(byte: number): boolean {
  return (byte | 0x20) === 0x65;
}
