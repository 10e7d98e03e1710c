import { createHash } from "node:crypto";

/** Functions as a server keeps them, under a name that no other version of them has. */
export interface FunctionLibrary {
  readonly name: string;
  readonly source: string;
}

/** What one function is made of: all in Lua. */
export interface FunctionText {
  /** What its script begins with: locals. */
  readonly parts: string;
  /** Its script, with KEYS and ARGV. */
  readonly body: string;
}

/**
 * Make a library of scripts as they are.
 *
 * A server builds a script's own functions anew for each call, and those of a library once: at the first call, since
 * `redis.call` and `struct` are not there while a library is loaded. So what a part keeps in its locals outlives a call.
 *
 * The name is of the text, so that versions live side by side while replicas are replaced, and what is loaded under a
 * name need never be loaded again.
 */
export function makeLibrary(functions: Readonly<Record<string, FunctionText>>): FunctionLibrary {
  const texts = Object.entries(functions);
  const hash = createHash("sha256").update(JSON.stringify(texts)).digest("hex");
  const name = `windbreak_${hash.slice(0, 16)}`;
  const registered = texts.map(([own, text]) => register(functionName(name, own), text));
  return { name, source: [`#!lua name=${name}`, ...registered].join("\n") };
}

/** Name a function as it is called: names are one server's, not one library's. */
export function functionName(library: string, own: string): string {
  return `${library}_${own}`;
}

function register(name: string, { parts, body }: FunctionText): string {
  return `
do
local run
local function build()
${parts}
return function(KEYS, ARGV)
${body}
end
end
redis.register_function('${name}', function(keys, args)
  run = run or build()
  return run(keys, args)
end)
end`;
}
