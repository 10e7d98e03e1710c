import type { Spot } from "./faults.js";

/** Larger files are refused unread. 10,000 principals take about a quarter of this. */
export const MOST_BYTES = 4 * 1024 * 1024;

/** A file's text; where spots say that it cannot be read, the text serves only to tell lines. */
export interface Decoded {
  readonly text: string;
  readonly spots: readonly Spot[];
}

const UNPRINTABLE = /(?![\t\n\r\u0085])\p{Cc}/u;

/** Decode the bytes of a policy file, which must be UTF-8; a byte order mark is passed over. Never throws. */
export function decodeText(bytes: Uint8Array): Decoded {
  if (bytes.length > MOST_BYTES) {
    const what = `the file has ${grouped(bytes.length)} bytes, more than the ${grouped(MOST_BYTES)} that are read`;
    return refusal("", 0, what, "list fewer principals, and let trust rules or declared callers stand for the rest");
  }
  const text = new TextDecoder("utf-8").decode(bytes);
  const invalid = invalidAt(bytes, text);
  if (invalid !== undefined) return refusal(text, invalid, "a byte that is not UTF-8", "save the file as UTF-8");

  const unprintable = UNPRINTABLE.exec(text);
  if (unprintable) {
    const code = unprintable[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    return refusal(text, unprintable.index, `the control character U+${code}, which YAML does not allow`, "remove it");
  }
  return { text, spots: [] };
}

function refusal(text: string, offset: number, what: string, remedy: string): Decoded {
  return { text, spots: [{ offset, path: [], what, remedy }] };
}

/** Where the decoder put a replacement character that does not stand in the file itself. */
function invalidAt(bytes: Uint8Array, text: string): number | undefined {
  const mark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  let byte = mark;
  let from = 0;
  for (let at = text.indexOf("\ufffd"); at !== -1; at = text.indexOf("\ufffd", at + 1)) {
    byte += Buffer.byteLength(text.slice(from, at));
    if (bytes[byte] !== 0xef || bytes[byte + 1] !== 0xbf || bytes[byte + 2] !== 0xbd) return at;
    from = at;
  }
  return undefined;
}

function grouped(count: number): string {
  return count.toLocaleString("en-US");
}
