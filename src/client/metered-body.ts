import type { Answer, AnswerReader } from "../mistral/answer-reader.js";

type Told = (answer: Answer) => void;

/**
 * Calls that are told of bodies that nobody can read any more. No guarantee: the runtime may collect late or never, and
 * then the reservation ends by itself.
 */
const forgotten = new FinalizationRegistry<() => Promise<void>>((giveUp) => void Promise.allSettled([giveUp()]));

/**
 * Pass a response on, its body read on the way as far as the caller reads it.
 *
 * Nothing is held and nothing is read ahead: a chunk is asked of Mistral when the caller asks for one. The end is told
 * before the caller sees it, so that what the call used is on its way before the caller's next call.
 *
 * @param told - once: at the body's end, when the caller gives it up, and when it breaks.
 */
export function metered(response: Response, reader: AnswerReader, told: Told): Response {
  let isOver = false;
  const end = async (isWhole: boolean): Promise<void> => {
    if (isOver) return;
    isOver = true;
    told(await reader.end(isWhole));
  };
  if (!response.body) {
    void end(true);
    return response;
  }

  const source = response.body.getReader();
  const giveUp = async (reason?: unknown): Promise<void> => {
    await end(false);
    await source.cancel(reason);
  };
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await source.read();
          if (done) {
            await end(true);
            controller.close();
            return;
          }
          // The caller may write into its chunk, or give its memory away.
          reader.write(Buffer.from(value));
          controller.enqueue(value);
        } catch (cause) {
          await end(false);
          controller.error(cause);
        }
      },
      cancel: giveUp,
    },
    { highWaterMark: 0 },
  );
  forgotten.register(body, giveUp);
  const { status, statusText, headers, url } = response;
  return Object.defineProperty(new Response(body, { status, statusText, headers }), "url", { value: url });
}
