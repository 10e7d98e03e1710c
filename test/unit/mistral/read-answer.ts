import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { type Answer, AnswerReader } from "../../../src/mistral/answer-reader.js";
import type { RecordedAnswer } from "../../support/mistral/recorded.js";

/** How a body is coded, by a name for the test's title. */
export const CODINGS = {
  gzip: { contentEncoding: "gzip", encode: gzipSync },
  "X-GZIP": { contentEncoding: "X-GZIP", encode: gzipSync },
  deflate: { contentEncoding: "deflate", encode: deflateSync },
  "raw deflate": { contentEncoding: "deflate", encode: deflateRawSync },
  br: { contentEncoding: "br", encode: brotliCompressSync },
} as const;

/** Read an answer whose body came in these chunks, with the head of a recorded one. */
export async function readAnswer(
  head: Omit<RecordedAnswer, "body">,
  chunks: readonly Buffer[],
  { isWhole = true, contentEncoding }: { isWhole?: boolean; contentEncoding?: string } = {},
): Promise<Answer> {
  const { endpoint, status, contentType } = head;
  const reader = new AnswerReader({ endpoint, status, contentType, contentEncoding });
  try {
    for (const chunk of chunks) reader.write(chunk);
    return await reader.end(isWhole);
  } finally {
    reader.close();
  }
}

/** Read a recorded answer that came in one chunk. */
export function readRecorded(answer: RecordedAnswer): Promise<Answer> {
  return readAnswer(answer, [Buffer.from(answer.body)]);
}
