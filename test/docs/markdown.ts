import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

/** A block of a page, between fences or indented. */
export interface Block {
  /** Where it begins: `docs/envoy.md:35`. */
  readonly at: string;
  /** The line of the page, from 1, on which its text begins. */
  readonly line: number;
  /** Lower case; empty where the fence names none. */
  readonly language: string;
  readonly text: string;
  /** What an HTML comment on the line before the fence says of it. */
  readonly mark: string | undefined;
  /** The last line of prose before it. */
  readonly prose: string;
  /** Whether nothing but blank lines and its mark stand between it and the block before. */
  readonly follows: boolean;
}

/** A page as far as tests look at it. */
export interface Page {
  /** From the root: `docs/envoy.md`. */
  readonly name: string;
  readonly blocks: readonly Block[];
  /** Lines outside of blocks, with their numbers from 1. */
  readonly prose: readonly { readonly line: number; readonly text: string }[];
  /** What is at fault in its form, one line each. */
  readonly faults: readonly string[];
}

const FENCE = /^( {0,3})(`{3,}|~{3,})(.*)$/;
const MARK = /^<!--\s*(.*?)\s*-->$/;
const INDENTED = /^(?: {4}|\t)/;
const LIST_ITEM = /^\s*(?:[-*+]|\d+[.)])\s/;

/** Every page whose blocks are run, by its path from the root; one that is added in docs/ is among them. */
export function pageNames(): readonly string[] {
  const docs = readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => `docs/${file}`);
  return ["README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", ...docs.sort()];
}

/** Read a page. */
export function readPage(name: string): Page {
  return parsePage(name, readFileSync(join(ROOT, name), "utf8"));
}

/** Take a page apart. Never throws: what is wrong with its form is among its faults. */
export function parsePage(name: string, text: string): Page {
  const lines = text.split("\n");
  const blocks: Block[] = [];
  const prose: { line: number; text: string }[] = [];
  const faults: string[] = [];
  let before = { mark: undefined as string | undefined, prose: "", follows: false, isBlank: true, isList: false };
  for (let index = 0; index < lines.length; ) {
    const { mark, follows } = before;
    const found = fencedAt(lines, index) ?? (before.isBlank && !before.isList ? indentedAt(lines, index) : undefined);
    if (found) {
      const at = `${name}:${index + 1}`;
      const { language, end, isClosed } = found;
      blocks.push({ at, line: found.line + 1, language, text: found.text, mark, prose: before.prose, follows });
      if (!isClosed) faults.push(`${at}: the block never ends; close its fence`);
      before = { ...before, mark: undefined, follows: true, isBlank: true };
      index = end;
      continue;
    }
    const content = lines[index] ?? "";
    prose.push({ line: index + 1, text: content });
    before = after(content, before);
    index += 1;
  }
  return { name, blocks, prose, faults };
}

/** What a line leaves to know for those after it. */
function after<T extends { readonly isList: boolean }>(content: string, before: T) {
  if (content.trim() === "") return { ...before, isBlank: true };
  const isList = LIST_ITEM.test(content) || (before.isList && /^\s/.test(content));
  const mark = MARK.exec(content)?.[1];
  if (mark !== undefined) return { ...before, mark, isList, isBlank: true };
  return { ...before, mark, prose: content, follows: false, isList, isBlank: false };
}

/** A block without its place: where its text and the page after it begin, from 0. */
interface Found extends Pick<Block, "language" | "text"> {
  readonly line: number;
  readonly end: number;
  readonly isClosed: boolean;
}

function fencedAt(lines: readonly string[], index: number): Found | undefined {
  const [, , fence, info = ""] = FENCE.exec(lines[index] ?? "") ?? [];
  if (fence === undefined) return undefined;
  const rest = lines.slice(index + 1);
  const length = rest.findIndex(
    (one) => FENCE.exec(one)?.[2]?.startsWith(fence) === true && FENCE.exec(one)?.[3] === "",
  );
  const isClosed = length >= 0;
  const inside = isClosed ? rest.slice(0, length) : rest;
  const language = info.trim().split(/\s/)[0]?.toLowerCase() ?? "";
  return { language, text: textOf(inside), line: index + 1, end: index + inside.length + 2, isClosed };
}

/** It goes on over blank lines, which are of no account at its end. */
function indentedAt(lines: readonly string[], index: number): Found | undefined {
  if (!INDENTED.test(lines[index] ?? "") || lines[index]?.trim() === "") return undefined;
  const inside: string[] = [];
  for (const one of lines.slice(index)) {
    if (!INDENTED.test(one) && one.trim() !== "") break;
    inside.push(one.replace(/^( {4}|\t)/, ""));
  }
  while (inside.at(-1)?.trim() === "") inside.pop();
  return { language: "", text: textOf(inside), line: index, end: index + inside.length, isClosed: true };
}

function textOf(lines: readonly string[]): string {
  return lines.map((one) => `${one}\n`).join("");
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchorsOf({ prose }: Page): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const { text } of prose) {
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(text)?.[1];
    if (heading === undefined) continue;
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const slug = plain.replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-");
    let anchor = slug;
    for (let nth = 1; anchors.has(anchor); nth += 1) anchor = `${slug}-${nth}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** What stands between backticks in a line of prose. */
export function codeIn(text: string): readonly string[] {
  return [...text.matchAll(/(`+)(.+?)\1(?!`)/g)].map(([, , code = ""]) => code.trim());
}

/** The targets of links and pictures in a line of prose. */
export function linksIn(text: string): readonly string[] {
  const plain = text.replaceAll(/(`+)(.+?)\1(?!`)/g, "");
  return [...plain.matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)].map(([, target = ""]) => target);
}
