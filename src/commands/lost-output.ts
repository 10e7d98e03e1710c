import { EXIT, type Failure, failure } from "./context.js";

/**
 * Judge an error of the stream that answers are written to.
 *
 * @returns undefined where the reader has stopped reading, as `head` does: what is written then is nobody's loss.
 */
export function lostOutput({ code }: { readonly code?: string | undefined }): Failure | undefined {
  if (code === "EPIPE") return undefined;
  const why = code ?? "no reason given";
  return failure(EXIT.unreachable, `stdout: cannot be written to (${why}); make room there, or write elsewhere`);
}
