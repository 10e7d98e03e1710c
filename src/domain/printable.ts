/** Write what a terminal could act on as escapes, so that a line stays one line, whatever name is in it. */
export function printable(text: string): string {
  return text.replace(/[^\P{C}]|[\u2028\u2029]/gu, (found) => `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`);
}
