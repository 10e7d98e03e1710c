import { describe, expect, it } from "vitest";
import { COMPLETION } from "../../support/mistral/answers.js";
import type { WholeAnswer } from "../../support/mistral/replay-server.js";
import { wav } from "../../unit/mistral/wav-file.js";
import { CHAT, COST, rig } from "./rig.js";

const USAGE = { prompt_tokens: 10, completion_tokens: 3, total_tokens: 13 };

const TRANSCRIPT: WholeAnswer = {
  kind: "whole",
  body: {
    model: "voxtral-mini-latest",
    text: "un",
    language: "fr",
    segments: [],
    usage: { ...USAGE, prompt_audio_seconds: 2 },
  },
};

describe("endpoints beside chat", () => {
  it("settles a transcription by the seconds that Mistral heard", async () => {
    const { client, standing, mistral, verdicts } = await rig({
      answers: { "POST /v1/audio/transcriptions": TRANSCRIPT },
    });
    const file = { fileName: "one.wav", content: new Blob([wav({ sound: 96_000 })]) };
    await client.audio.transcriptions.complete({ model: "voxtral-mini-latest", file });
    const [verdict] = verdicts;
    const reserved = verdict?.kind === "allowed" ? verdict.decision.estimatedCostNanoUsd : 0;
    expect(await standing()).toEqual({ used: (reserved / 3) * 2, reserved: 0 });
    expect(mistral.requests[0]?.body.includes("one.wav")).toBe(true);
  });

  it("writes the cap of a conversation where Mistral reads it", async () => {
    const { client, standing, mistral } = await rig({
      answers: {
        "POST /v1/conversations": {
          kind: "whole",
          body: { object: "conversation.response", conversation_id: "c1", outputs: [], usage: USAGE },
        },
      },
    });
    const call = { model: CHAT.model, inputs: "Count.", completionArgs: { temperature: 0.5 } };
    await client.beta.conversations.start(call);
    const sent: unknown = JSON.parse(mistral.requests[0]?.body.toString() ?? "");
    expect(sent).toMatchObject({ completion_args: { temperature: 0.5, max_tokens: 4096 } });
    expect(await standing()).toEqual({ used: COST, reserved: 0 });
  });

  it("sends the alias where that is wanted", async () => {
    const { client, mistral } = await rig({
      answers: { "POST /v1/fim/completions": COMPLETION },
      guard: { sendDatedModel: false },
    });
    await client.fim.complete({ model: "codestral-latest", prompt: "def", maxTokens: 8 });
    const sent: unknown = JSON.parse(mistral.requests[0]?.body.toString() ?? "");
    expect(sent).toMatchObject({ model: "codestral-latest", prompt: "def", max_tokens: 8 });
  });
});
