import { afterAll, beforeAll, expect, it } from "vitest";
import { buildPython, linesOf, type Program } from "../support/clients/build.js";
import { describeClient } from "../support/clients/describe-client.js";
import type { SeenRequest } from "../support/mistral/exchange.js";
import { ANSWERED, answered, CUT, EMBEDDED, refused, withoutNulls } from "./scenarios.js";
import { arrivalOf, stage } from "./stage.js";

describeClient("python", "Mistral's Python client, guarded", () => {
  let program: Program;
  beforeAll(async () => {
    program = await buildPython("wrapped.py");
  });
  afterAll(() => program.discard());

  it("bounds a request, and reads an answer's usage", async () => {
    const bounds = await buildPython("test_windbreak_mistral.py");
    try {
      // Its own runner fails by its exit code.
      expect(await linesOf(bounds, {})).toEqual([]);
    } finally {
      bounds.discard();
    }
  });

  it.each(["sync", "async"])(
    "asks and settles each call and each retry, %s",
    async (kind) => {
      const on = await stage("unix");
      const running = linesOf({ ...program, command: [...program.command, kind] }, on.env);
      const cancelled = await arrivalOf(on, "a million");
      await cancelled.chunk();
      expect(await cancelled.ended()).toBe("cut");
      const midway = await arrivalOf(on, "midway");
      await midway.chunk();
      midway.cut();
      const slow = await arrivalOf(on, "Slowly");
      const late = await on.comeBack();
      slow.rest();
      expect((await running).map(withoutNulls)).toEqual([
        { scenario: "complete", ...answered },
        { scenario: "stream", ...answered },
        { scenario: "embed", vectors: 1 },
        { scenario: "cancel", text: "un" },
        { scenario: "retried", ...answered },
        { scenario: "mistral away", broken: "ConnectError" },
        { scenario: "cut", broken: "RemoteProtocolError" },
        { scenario: "cut midway", broken: "RemoteProtocolError" },
        { scenario: "given up", broken: expect.stringMatching(/^(ReadTimeout|TimeoutError)$/) },
        { scenario: "no cap", ...answered },
        { scenario: "model not allowed", ...refused("MODEL_NOT_ALLOWED", 403) },
        { scenario: "too large", ...refused("REQUEST_TOO_LARGE", 422) },
        { scenario: "within the rate", ...answered },
        { scenario: "rate limited", ...refused("RATE_LIMITED", 429), retry_after_s: expect.closeTo(62, -1) },
        { scenario: "budget", ...refused("SPEND_LIMIT_EXCEEDED", 402) },
        { scenario: "store away", ...refused("STORE_UNAVAILABLE", 503) },
        { scenario: "sidecar away", no_decision: "UNAVAILABLE" },
        { scenario: "fail open", ...answered },
        { scenario: "denied though open", ...refused("SPEND_LIMIT_EXCEEDED", 402) },
        { scenario: "agents", not_guarded: "POST /v1/agents/completions is not guarded, so it is not sent" },
        { scenario: "conversations", not_guarded: "POST /v1/conversations is not guarded, so it is not sent" },
        { scenario: "ocr", not_guarded: "POST /v1/ocr is not guarded, so it is not sent" },
        { scenario: "audio", not_guarded: "audio.transcriptions is not guarded, so it cannot be used" },
        { scenario: "a document", not_guarded: expect.stringMatching(/^document_url: /) },
        {
          scenario: "a built-in tool",
          not_guarded: expect.stringMatching(/^tools: image_generation is priced by use/),
        },
        { scenario: "safe prompt", not_guarded: expect.stringMatching(/^safe_prompt: /) },
        { scenario: "models", models: ["mistral-small-latest"] },
      ]);
      expect(on.mistral.requests.map(({ url }) => url)).toEqual([
        CHAT,
        CHAT,
        "/v1/embeddings",
        CHAT,
        // Flaky, and its retry.
        CHAT,
        CHAT,
        CHAT,
        // Cut, cut midway, given up.
        CHAT,
        CHAT,
        CHAT,
        // Within the rate, and let through without a decision.
        CHAT,
        CHAT,
        "/v1/models",
      ]);
      expect(on.mistral.requests.map(sent)).toEqual([
        ...Array.from({ length: 2 }, () => ["mistral-small-2603", 100]),
        ["mistral-embed-2312", undefined],
        ...Array.from({ length: 6 }, () => ["mistral-small-2603", 100]),
        // What is left of tokens_per_request.
        ["mistral-small-2603", expect.closeTo(1700, -3)],
        ["mistral-small-2603", 100],
        // As it was asked for.
        ["mistral-small-latest", 100],
        [undefined, undefined],
      ]);
      expect(await on.standing()).toEqual({
        "roles.crew.tokens_per_request": "0/0",
        // What failed stays counted, and costs nothing.
        "roles.crew.requests_per_day": "11/0",
        "roles.crew.usd_per_day": `${4 * ANSWERED + EMBEDDED + 2 * CUT + 2 * ESTIMATED}/0`,
      });
      expect(await on.standing(late)).toMatchObject({
        "roles.crew.requests_per_day": "1/0",
        "roles.crew.usd_per_day": `${ANSWERED}/0`,
      });
    },
    60_000,
  );
});

const CHAT = "/v1/chat/completions";

/** The model and the cap of a request to Mistral. */
function sent({ body }: SeenRequest): readonly unknown[] {
  const { model, max_tokens } = body.length > 0 ? JSON.parse(body.toString()) : {};
  return [model, max_tokens];
}

/** 101 tokens in, as the program counts them, and its whole cap out. */
const ESTIMATED = 101 * 150 + 100 * 600;
