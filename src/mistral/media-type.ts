import type { Unreadable } from "./mistral-call.js";

/** What the headers of a request, and who passes it on, say about its body. */
export interface RequestHead {
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** The proxy passed on a part of the body only. */
  readonly isPartial: boolean;
  /** Of the whole body, in bytes; undefined where nothing says. */
  readonly contentLength: number | undefined;
}

export type MediaType =
  | { readonly kind: "json" }
  | { readonly kind: "multipart"; readonly boundary: string }
  | { readonly kind: "other" };

const OTHER: MediaType = { kind: "other" };
const JSON_TYPE: MediaType = { kind: "json" };

/** Say why a body cannot be read at all. */
export function faultOf(head: RequestHead, length: number): Unreadable | undefined {
  const { contentEncoding = "identity", contentLength = length } = head;
  if (!/^(?:identity)?$/i.test(withoutBlanks(contentEncoding))) return fault(415, "the body must not be encoded");
  if (head.isPartial || contentLength > length) return fault(413, "the body is too large to be judged");
  return contentLength < length ? fault(400, "the body is longer than its content-length") : undefined;
}

function fault(status: Unreadable["status"], message: string): Unreadable {
  return { kind: "unreadable", status, message, param: undefined };
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PARAMETER = new RegExp(`[ \\t]*;[ \\t]*(${TOKEN})=(?:(${TOKEN})|"([^"\\\\\\r\\n]*)")`, "y");
const BOUNDARY = /^[0-9A-Za-z'()+_,./:=?-]{1,70}$/;

/** Read a content type. One that is not of the strict form (RFC 9110), or says a thing twice, is another. */
export function mediaTypeOf(contentType = ""): MediaType {
  if (contentType === "application/json") return JSON_TYPE;
  const [type = ""] = contentType.split(";", 1);
  const parameters = parametersOf(contentType, endOf(type));
  switch (withoutBlanks(type).toLowerCase()) {
    case "application/json":
      return parameters && /^utf-?8$/i.test(parameters.get("charset") ?? "utf-8") ? JSON_TYPE : OTHER;
    case "multipart/form-data": {
      const boundary = parameters?.get("boundary") ?? "";
      return BOUNDARY.test(boundary) ? { kind: "multipart", boundary } : OTHER;
    }
    default:
      return OTHER;
  }
}

/**
 * Read the parameters of a header's value, by their names in small letters.
 *
 * @param from - where they begin. @returns undefined where they are malformed or one comes twice.
 */
export function parametersOf(value: string, from: number): ReadonlyMap<string, string> | undefined {
  const parameters = new Map<string, string>();
  const text = value.slice(0, endOf(value));
  let at = from;
  while (at < text.length) {
    PARAMETER.lastIndex = at;
    const [whole, name = "", token, quoted = ""] = PARAMETER.exec(text) ?? [""];
    if (whole === "" || parameters.has(name.toLowerCase())) return undefined;
    parameters.set(name.toLowerCase(), token ?? quoted);
    at += whole.length;
  }
  return parameters;
}

/** Without what HTTP lets stand around a value: spaces and tabs. String's own `trim` takes away more than other readers do. */
function withoutBlanks(text: string): string {
  let start = 0;
  while (isBlank(text[start])) start++;
  return text.slice(start, Math.max(start, endOf(text)));
}

/** Where a text ends but for blanks. */
function endOf(text: string): number {
  let end = text.length;
  while (isBlank(text[end - 1])) end--;
  return end;
}

function isBlank(character: string | undefined): boolean {
  return character === " " || character === "\t";
}
