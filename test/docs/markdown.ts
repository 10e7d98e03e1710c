import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

/** A fenced block of a page. */
export interface Block {
  /** Of its opening fence: `docs/envoy.md:35`. */
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
const INDENTED = /^(?: {4}|\t)\S/;
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
  const blocks: Block[] = [];
  const prose: { line: number; text: string }[] = [];
  const faults: string[] = [];
  const lines = text.split("\n");
  let open: { fence: string; block: Omit<Block, "text">; lines: string[] } | undefined;
  /** What stands right before, but for blank lines. */
  let before: "block" | "other" = "other";
  let mark: string | undefined;
  let [last, isBlank, isList] = ["", true, false];
  for (const [index, content] of lines.entries()) {
    const line = index + 1;
    const fence = FENCE.exec(content);
    if (open) {
      if (fence?.[2]?.startsWith(open.fence) && fence[3]?.trim() === "") {
        blocks.push({ ...open.block, text: open.lines.map((one) => `${one}\n`).join("") });
        [open, before, mark, isBlank] = [undefined, "block", undefined, true];
      } else open.lines.push(content);
      continue;
    }
    if (fence) {
      const language = (fence[3] ?? "").trim().split(/\s/)[0]?.toLowerCase() ?? "";
      const block = { at: `${name}:${line}`, line: line + 1, language, mark, prose: last, follows: before === "block" };
      open = { fence: fence[2] ?? "```", block, lines: [] };
      continue;
    }
    if (isBlank && !isList && INDENTED.test(content)) {
      faults.push(
        `${name}:${line}: an indented block says not what it is; put it between fences that name its language`,
      );
    }
    prose.push({ line, text: content });
    isBlank = content.trim() === "";
    if (isBlank) continue;
    isList = LIST_ITEM.test(content) || (isList && /^\s/.test(content));
    mark = MARK.exec(content)?.[1];
    if (mark === undefined) [before, last] = ["other", content];
  }
  if (open) faults.push(`${open.block.at}: the block never ends; close its fence`);
  return { name, blocks, prose, faults };
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
