import { HeldBytes } from "./held-bytes.js";

/** Longer than any event that Mistral sends: its longest is a tool call that came in one piece. */
const MAX_EVENT_BYTES = 1024 * 1024;

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const BYTE_ORDER_MARK = Buffer.from("\ufeff");

export type SseEvent =
  /** `name` is empty where the event has none. `data` is its lines, joined by LF. */
  | { readonly kind: "event"; readonly name: string; readonly data: string }
  /** It was longer than the bound and was not held. `bytes` are those of its lines. */
  | { readonly kind: "passed_over"; readonly bytes: number };

/**
 * Read server-sent events from bytes that may be cut anywhere, within a character too.
 *
 * Lines end with LF, CRLF or CR, mixed as they like. Comments, `id` and `retry` are passed over; bytes that are no UTF-8
 * read as U+FFFD. Holds one event at most, of at most `maxEventBytes`. (Event streams: HTML, section 9.2.)
 */
export class SseReader {
  readonly #take: (event: SseEvent) => void;
  readonly #maxEventBytes: number;
  /** The beginning of a line whose end has not come; nothing where the event is too long. */
  readonly #line = new HeldBytes();
  #isInLine = false;
  #isFirstLine = true;
  /** The last byte was a CR: a LF that comes next is of the same line end. */
  #isAfterCr = false;
  #name = "";
  #data: string | undefined;
  #eventBytes = 0;
  #isTooLong = false;

  constructor(take: (event: SseEvent) => void, maxEventBytes = MAX_EVENT_BYTES) {
    this.#take = take;
    this.#maxEventBytes = maxEventBytes;
  }

  write(chunk: Buffer): void {
    if (chunk.length === 0) return;
    let start = this.#isAfterCr && chunk[0] === LF ? 1 : 0;
    let lf = chunk.indexOf(LF, start);
    let cr = chunk.indexOf(CR, start);
    while (lf !== -1 || cr !== -1) {
      const isCr = cr !== -1 && (lf === -1 || cr < lf);
      const end = isCr ? cr : lf;
      this.#endLine(chunk.subarray(start, end));
      start = isCr && chunk[end + 1] === LF ? end + 2 : end + 1;
      if (lf !== -1 && lf < start) lf = chunk.indexOf(LF, start);
      if (cr !== -1 && cr < start) cr = chunk.indexOf(CR, start);
    }
    this.#isAfterCr = chunk[chunk.length - 1] === CR;
    if (start < chunk.length) this.#beginLine(chunk.subarray(start));
  }

  /** Take what stands at the end without the blank line that ends an event. */
  end(): void {
    if (this.#isInLine) this.#endLine(Buffer.alloc(0));
    this.#endEvent();
  }

  #beginLine(bytes: Buffer): void {
    this.#isInLine = true;
    this.#count(bytes);
    if (!this.#isTooLong) this.#line.append(bytes);
  }

  #endLine(rest: Buffer): void {
    this.#takeLine(rest);
    this.#isFirstLine = false;
  }

  #takeLine(rest: Buffer): void {
    if (this.#isInLine) {
      this.#beginLine(rest);
      this.#isInLine = false;
      if (!this.#isTooLong) this.#readLine(this.#line.take());
      return;
    }
    if (rest.length === 0) {
      this.#endEvent();
      return;
    }
    this.#count(rest);
    if (!this.#isTooLong) this.#readLine(rest);
  }

  #count(bytes: Buffer): void {
    this.#eventBytes += bytes.length;
    if (this.#isTooLong || this.#eventBytes <= this.#maxEventBytes) return;
    this.#isTooLong = true;
    this.#data = undefined;
    this.#line.clear();
  }

  #readLine(wholeLine: Buffer): void {
    const line = this.#isFirstLine ? withoutMark(wholeLine) : wholeLine;
    const colon = line.indexOf(COLON);
    if (colon === 0) {
      // Comments keep a silent connection alive, perhaps for hours without one blank line: they are of no event.
      this.#eventBytes -= wholeLine.length;
      return;
    }
    const field = line.toString("latin1", 0, colon === -1 ? line.length : colon);
    if (field !== "data" && field !== "event") return;
    const value = colon === -1 ? "" : line.toString("utf8", line[colon + 1] === SPACE ? colon + 2 : colon + 1);
    if (field === "event") this.#name = value;
    else this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
  }

  #endEvent(): void {
    const name = this.#name;
    const data = this.#data;
    const bytes = this.#eventBytes;
    const isTooLong = this.#isTooLong;
    this.#name = "";
    this.#data = undefined;
    this.#eventBytes = 0;
    this.#isTooLong = false;
    if (isTooLong) this.#take({ kind: "passed_over", bytes });
    else if (data !== undefined) this.#take({ kind: "event", name, data });
  }
}

function withoutMark(line: Buffer): Buffer {
  return line.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)
    ? line.subarray(BYTE_ORDER_MARK.length)
    : line;
}
