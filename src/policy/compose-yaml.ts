import { Composer, type CST, type Document, isScalar, Lexer, type ParsedNode, Parser, type YAMLError } from "yaml";
import type { Spot } from "./faults.js";

/** The one document of a YAML text, with every scalar as text; undefined where it is at fault. */
export interface Composed {
  readonly root: ParsedNode | undefined;
  readonly spots: readonly Spot[];
}

/** Deeper than any policy, and shallow enough for whatever walks the nodes by recursion. */
const DEEPEST = 64;

/** A scalar stays text here, because only its text tells 0.1 exactly. Keys are compared elsewhere, in linear time. */
const OPTIONS = { schema: "failsafe", uniqueKeys: false, prettyErrors: false, version: "1.2" } as const;

/** Parse YAML. Every error of syntax is a spot; nothing is thrown. */
export function composeYaml(text: string): Composed {
  const spots: Spot[] = [];
  const documents = composeAll(text, (offset) =>
    spots.push(spot(offset, "nested more than 60 deep", "a policy is five or six deep: look for a bracket too many")),
  );
  if (spots.length > 0) return { root: undefined, spots };

  const [document, second] = documents;
  for (const { errors, warnings } of documents) for (const error of [...errors, ...warnings]) spots.push(spotOf(error));
  if (second) spots.push(spot(second.range[0], "a second YAML document", "keep one document in the file"));
  if (spots.length === 0 && (!document?.contents || isEmpty(document.contents))) {
    spots.push(spot(0, "the file is empty", "start it with `version: 1`"));
  }
  return { root: spots.length === 0 && document?.contents ? document.contents : undefined, spots };
}

/** The first two documents at most. */
function composeAll(text: string, onTooDeep: (offset: number) => void): readonly Document.Parsed[] {
  const documents: Document.Parsed[] = [];
  // The parser makes an Error of every mistake; with a stack in each, a hostile file takes minutes.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    for (const document of new Composer(OPTIONS).compose(tokens(text, onTooDeep), true, text.length)) {
      documents.push(document);
      if (documents.length === 2) break;
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return documents;
}

function* tokens(text: string, onTooDeep: (offset: number) => void): Generator<CST.Token> {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    if (parser.stack.length <= DEEPEST) continue;
    onTooDeep(parser.offset);
    return;
  }
  yield* parser.end();
}

function isEmpty(node: ParsedNode): boolean {
  return isScalar(node) && node.type === "PLAIN" && node.value === "" && !node.anchor && !node.tag;
}

function spotOf(error: YAMLError): Spot {
  const [sentence = ""] = error.message.split("\n");
  const what = `not YAML: ${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}`;
  return spot(error.pos[0], what, REMEDIES[error.code] ?? "mend the syntax at this place");
}

function spot(offset: number, what: string, remedy: string): Spot {
  return { offset, path: [], what, remedy };
}

const REMEDIES: Readonly<Partial<Record<YAMLError["code"], string>>> = {
  BAD_INDENT: "indent the keys of one map alike",
  BLOCK_AS_IMPLICIT_KEY: "put the value on a line of its own, indented, or quote it",
  MISSING_CHAR: "look here for a missing `:`, quote or closing bracket",
  MULTILINE_IMPLICIT_KEY: "look at the line before for a missing `:` or quote",
  TAB_AS_INDENT: "indent with spaces",
  TAG_RESOLVE_FAILED: "remove the tag",
};
