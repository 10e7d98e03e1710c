import { setImmediate as nextTurn } from "node:timers/promises";
import { parametersOf } from "./media-type.js";

/** One field of a form. */
export interface Part {
  readonly name: string;
  /** Sent as a file. */
  readonly isFile: boolean;
  readonly content: Buffer;
}

/** Why a body is no form; two programs could take it apart differently. */
export interface MultipartFault {
  readonly kind: "multipart_fault";
  readonly what: string;
}

const MOST_PARTS = 256;
const MOST_HEADER_BYTES = 4096;
const LINE_END = Buffer.from("\r\n");
const HEADERS_END = Buffer.from("\r\n\r\n");
const HEADERS: ReadonlySet<string> = new Set([
  "content-disposition",
  "content-length",
  "content-transfer-encoding",
  "content-type",
]);
const UNENCODED = /^(?:7bit|8bit|binary)$/i;

/**
 * Take a multipart/form-data body apart (RFC 7578), and refuse what programs are known to read differently.
 *
 * No preamble, no epilogue, no bare line feeds in headers, no folded lines, no other headers than those of a form, no
 * backslash in a name, and the boundary nowhere but at the start of a line. Searches a slice of the body a turn.
 */
export async function partsOf(body: Buffer, boundary: string): Promise<readonly Part[] | MultipartFault> {
  const delimiter = Buffer.from(`--${boundary}`, "latin1");
  const parts: Part[] = [];
  if (!startsWith(body, delimiter, 0)) return fault("it does not begin with its boundary");
  let at = delimiter.length;
  while (startsWith(body, LINE_END, at)) {
    if (parts.length === MOST_PARTS) return fault(`more than ${MOST_PARTS} parts`);
    const headersEnd = body.subarray(at, at + MOST_HEADER_BYTES).indexOf(HEADERS_END);
    if (headersEnd < 0) return fault("a part without headers, or with too many");
    const head = headOf(body.toString("latin1", at + LINE_END.length, at + headersEnd));
    if ("what" in head) return head;
    const start = at + headersEnd + HEADERS_END.length;
    const next = await find(body, delimiter, start);
    if (next < 0) return fault("it ends within a part");
    const end = next - LINE_END.length;
    if (end < start || !startsWith(body, LINE_END, end)) return fault("its boundary within a part");
    parts.push({ ...head, content: body.subarray(start, end) });
    at = next + delimiter.length;
  }
  const rest = body.toString("latin1", at);
  return rest === "--" || rest === "--\r\n" ? parts : fault("its boundary is not at the end of a line");
}

function fault(what: string): MultipartFault {
  return { kind: "multipart_fault", what };
}

function startsWith(body: Buffer, bytes: Buffer, at: number): boolean {
  return body.subarray(at, at + bytes.length).equals(bytes);
}

/** Bytes that are searched in one turn of the event loop. */
const SLICE = 256 * 1024;

async function find(body: Buffer, bytes: Buffer, from: number): Promise<number> {
  for (let at = from; at < body.length; at += SLICE) {
    const found = body.subarray(at, at + SLICE + bytes.length - 1).indexOf(bytes);
    if (found >= 0) return at + found;
    if (at + SLICE < body.length) await nextTurn();
  }
  return -1;
}

/** Read the headers of one part. */
function headOf(text: string): Omit<Part, "content"> | MultipartFault {
  const headers = new Map<string, string>();
  for (const line of text.split("\r\n")) {
    const [, name = "", value = ""] = /^([A-Za-z-]+):[ \t]*([\x20-\x7e\x80-\xff\t]*)$/.exec(line) ?? [];
    const key = name.toLowerCase();
    if (!HEADERS.has(key)) return fault("a header that no form has");
    if (headers.has(key)) return fault("a header twice");
    headers.set(key, value);
  }
  if (!UNENCODED.test(headers.get("content-transfer-encoding") ?? "binary")) return fault("an encoded part");
  const disposition = headers.get("content-disposition") ?? "";
  if (!/^form-data[ \t]*(?:;|$)/i.test(disposition)) return fault("a part that is no form-data");
  const parameters = parametersOf(disposition, "form-data".length);
  const name = parameters?.get("name");
  if (!parameters || !name || parameters.has("name*")) return fault("a part without a plain name");
  return { name, isFile: parameters.has("filename") || parameters.has("filename*") };
}
