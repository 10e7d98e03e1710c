import { type CallRoute, routeOf } from "../mistral/route.js";

/** What becomes of a request before its body is read. */
export type Passage =
  | { readonly kind: "guarded"; readonly route: CallRoute }
  /** It costs nothing, or its caller said that it may pass. */
  | { readonly kind: "passes" }
  | { readonly kind: "refused"; readonly message: string };

const PASSES: Passage = { kind: "passes" };
const ID = "[^/]+";

/** What writes at Mistral and costs nothing by itself. */
const HARMLESS: readonly RegExp[] = [
  /^POST \/v1\/(?:files|agents|libraries)$/,
  new RegExp(`^POST /v1/batch/jobs/${ID}/cancel$`),
  new RegExp(`^(?:PATCH|PUT) /v1/(?:agents|libraries)/${ID}(?:/(?:version|aliases|share))?$`),
];

/** Say what becomes of requests, by method and path. @param unguarded what passes besides: `POST /v1/audio/speech`. */
export function passageBy(unguarded: readonly string[]): (method: string, path: string) => Passage {
  const passing = [...HARMLESS, ...unguarded.map(patternOf)];
  return (method, path) => {
    // Every read of Mistral's API is free.
    if (method === "GET" || method === "HEAD" || method === "DELETE") return PASSES;
    const bare = withoutPrefix(path);
    const line = `${method} ${bare}`;
    if (passing.some((pattern) => pattern.test(line))) return PASSES;
    const route = routeOf(method, bare);
    if (route.kind === "call") return { kind: "guarded", route };
    const what = route.kind === "batch" ? "a batch job runs later, at a cost that its request does not tell" : line;
    const why = route.kind === "batch" ? what : `what ${line} costs is not known`;
    return { kind: "refused", message: `${why}; list "${line}" under unguarded to let it pass uncounted` };
  };
}

/** A base URL may have a path of its own, before Mistral's. */
function withoutPrefix(path: string): string {
  return path.slice(Math.max(0, path.lastIndexOf("/v1/")));
}

function patternOf(line: string): RegExp {
  const escaped = line.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ID);
  return new RegExp(`^${escaped}$`);
}
