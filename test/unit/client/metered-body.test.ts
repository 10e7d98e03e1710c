import { describe, expect, it } from "vitest";
import { metered } from "../../../src/client/metered-body.js";
import { type Answer, AnswerReader } from "../../../src/mistral/answer-reader.js";

const HEAD = {
  endpoint: "chat_completions",
  status: 200,
  contentType: "text/event-stream",
  contentEncoding: undefined,
} as const;
const EVENT = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "un" } }] })}\n\n`;

/** A body of some events, and how many of them have been asked for. */
function stage(events: number) {
  let asked = 0;
  let isCancelled = false;
  const source = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        asked += 1;
        if (asked > events) controller.close();
        else controller.enqueue(Buffer.from(EVENT));
      },
      cancel() {
        isCancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  const answers: Answer[] = [];
  const reader = new AnswerReader(HEAD);
  const response = metered(new Response(source, { status: 201, headers: { "x-one": "1" } }), reader, (answer) =>
    answers.push(answer),
  );
  return { response, answers, asked: () => asked, isCancelled: () => isCancelled };
}

describe("a body that is metered", () => {
  it("is read as far as its caller reads, and no further", async () => {
    const { response, asked, answers } = stage(3);
    expect(asked()).toBe(0);
    const body = response.body?.getReader();
    await body?.read();
    expect(asked()).toBe(1);
    expect(answers).toEqual([]);
  });

  it("has told its end before its caller sees it, once", async () => {
    const { response, answers } = stage(2);
    expect(await response.text()).toBe(EVENT.repeat(2));
    expect(answers).toMatchObject([{ outputBytes: 4, isStream: true }]);
  });

  it("keeps the head of the response", () => {
    const { response } = stage(1);
    expect(response.status).toBe(201);
    expect(response.headers.get("x-one")).toBe("1");
  });

  it("tells what was seen where its caller gives it up, and has Mistral stop", async () => {
    const { response, answers, isCancelled } = stage(3);
    const body = response.body?.getReader();
    await body?.read();
    await body?.cancel();
    expect(answers).toMatchObject([{ outputBytes: 2, isWhole: false }]);
    expect(isCancelled()).toBe(true);
  });

  it("counts what came, not what its caller made of it", async () => {
    const { response, answers } = stage(1);
    const body = response.body?.getReader();
    const { value } = (await body?.read()) ?? {};
    value?.fill(0);
    await body?.read();
    expect(answers).toMatchObject([{ outputBytes: 2 }]);
  });

  it("tells of an answer without a body at once", async () => {
    const answers: Answer[] = [];
    metered(new Response(null, { status: 204 }), new AnswerReader({ ...HEAD, status: 204 }), (one) =>
      answers.push(one),
    );
    await Promise.resolve();
    await new Promise(setImmediate);
    expect(answers).toHaveLength(1);
  });
});
