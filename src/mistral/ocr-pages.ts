import type { BodyReader } from "./body-reader.js";
import { type Unreadable, unreadable } from "./mistral-call.js";

/** Mistral reads no more pages of one document. */
export const MOST_PAGES = 1000;

const RANGES = /^\s*\d{1,9}(?:\s*-\s*\d{1,9})?(?:\s*,\s*\d{1,9}(?:\s*-\s*\d{1,9})?)*\s*$/;

/**
 * Say how many pages a request for OCR may be charged for: those that it lists, or as many as its document can have.
 *
 * A page that is listed twice counts twice.
 */
export function pagesIn(body: BodyReader): number | Unreadable {
  const pages = body.fields.get("pages");
  if (pages?.kind === "long") return MOST_PAGES;
  const listed = pages?.kind === "string" ? pagesOf(pages.text) : body.count("page");
  if (listed === undefined) return unreadable('pages must be a list such as "0-3,5"', "pages");
  if (listed > 0) return Math.min(listed, MOST_PAGES);
  return body.count("image_document") > 0 && body.count("other_document") === 0 ? 1 : MOST_PAGES;
}

/** The number of pages in a text such as `0-3,5`; 0 for an empty one, undefined for what is no such text. */
function pagesOf(text: string): number | undefined {
  if (text.trim() === "") return 0;
  if (!RANGES.test(text)) return undefined;
  let pages = 0;
  for (const range of text.split(",")) {
    const [first = 0, last = first] = range.split("-").map(Number);
    // A range that runs backwards is empty or is read the other way round.
    pages += Math.abs(last - first) + 1;
  }
  return pages;
}
