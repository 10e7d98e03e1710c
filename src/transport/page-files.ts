import { readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { extname } from "node:path";

/** A file of the operations page, as it is sent. */
export interface PageFile {
  readonly type: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** By path. */
export type PageFiles = ReadonlyMap<string, PageFile>;

const FOLDER = new URL("../page/", import.meta.url);
const INDEX = "index.html";
const TYPES: ReadonlyMap<string, string> = new Map([
  [".html", "text/html; charset=utf-8"],
  [".js", "text/javascript; charset=utf-8"],
  [".css", "text/css; charset=utf-8"],
]);

/** Nothing from elsewhere, nothing inline, in nobody's frame; and no text can become markup or a script. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const HEADERS = {
  "content-security-policy": POLICY,
  "cross-origin-opener-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
  vary: "Accept",
};

/** Read the page's files, which the build puts beside this program, into memory. */
export function readPageFiles(): PageFiles {
  return new Map(
    readdirSync(FOLDER).flatMap((name): [string, PageFile][] => {
      const type = TYPES.get(extname(name));
      if (type === undefined) return [];
      const body = readFileSync(new URL(name, FOLDER), "utf8");
      return [[name === INDEX ? "/" : `/page/${name}`, { type, body, headers: HEADERS }]];
    }),
  );
}

/** Whether a request is for a file of the page. `/` is the page for those who can show it, which programs do not say. */
export function asksForPage({ url, headers }: IncomingMessage): boolean {
  const path = url?.split("?")[0];
  if (path === "/") return /\btext\/html\b/.test(headers.accept ?? "");
  return path?.startsWith("/page/") === true;
}
