import { describe, expect, it } from "vitest";
import { routeOf } from "../../../src/mistral/route.js";

describe("the route of a request", () => {
  it.each([
    ["/v1/chat/completions", "chat_completions", "chat"],
    ["/v1/fim/completions", "fim_completions", "fim"],
    ["/v1/agents/completions", "agents_completions", "agent"],
    ["/v1/conversations", "conversations", "conversation"],
    ["/v1/conversations/conv_0198-a", "conversations", "stored_conversation"],
    ["/v1/conversations/conv_0198-a/restart", "conversations", "stored_conversation"],
    ["/v1/embeddings", "embeddings", "input"],
    ["/v1/moderations", "moderations", "input"],
    ["/v1/chat/moderations", "moderations", "chat_input"],
    ["/v1/classifications", "classifications", "input"],
    ["/v1/chat/classifications", "classifications", "chat_input"],
    ["/v1/ocr", "ocr", "ocr"],
    ["/v1/audio/transcriptions", "audio_transcriptions", "transcription"],
  ])("knows POST %s", (path, endpoint, form) => {
    expect(routeOf("POST", path)).toEqual({ kind: "call", endpoint, form });
    expect(routeOf("POST", `${path}?a=/v1/models`)).toEqual({ kind: "call", endpoint, form });
    expect(routeOf("GET", path)).toEqual({ kind: "refused" });
    expect(routeOf("post", path)).toEqual({ kind: "refused" });
  });

  it.each([
    "/v1/models",
    "/v1/models/mistral-small-2603",
    "/v1/models/ft:mistral-small:acme:1",
    "/v1/models?provider=x",
  ])("lists models at GET %s", (path) => {
    expect(routeOf("GET", path)).toEqual({ kind: "listing" });
    expect(routeOf("POST", path)).toEqual({ kind: "refused" });
    expect(routeOf("DELETE", path)).toEqual({ kind: "refused" });
  });

  it.each(["/v1/batch", "/v1/batch/jobs", "/v1/batch/jobs/1/cancel"])("knows a batch at %s", (path) => {
    expect(routeOf("POST", path)).toEqual({ kind: "batch" });
    expect(routeOf("GET", path)).toEqual({ kind: "batch" });
  });

  it.each([
    "",
    "/",
    "/v1",
    "/v1/",
    "/v1/chat/completions/",
    "//v1/chat/completions",
    "/v1//chat/completions",
    "/v1/chat//completions",
    "/v1/chat/completions#stream",
    "/v1/conversations#stream",
    "/v1/Chat/completions",
    "/V1/chat/completions",
    "/v1/chat/completions%20",
    "/v1/chat%2Fcompletions",
    "/v1/chat/%63ompletions",
    "/v1/chat/completions;a=b",
    "/v1/chat/completions\u0000",
    "/v1/chat/completions\n",
    " /v1/chat/completions",
    "/v1/./chat/completions",
    "/v1/models/../chat/completions",
    "/v1/chat/../chat/completions",
    "/v1/conversations/",
    "/v1/conversations/..",
    "/v1/conversations/../chat/completions",
    "/v1/conversations/%2e%2e/restart",
    "/v1/conversations/a/restart/",
    "/v1/conversations/a/messages",
    "/v1/batch/",
    "/v1/batch/../chat/completions",
    "/v1/batches",
    "/v1/audio/speech",
    "/v1/files",
    "/v1/admin/api-keys",
    "https://api.mistral.ai/v1/chat/completions",
    "v1/chat/completions",
    "/\\v1/chat/completions",
  ])("refuses %j", (path) => {
    expect(routeOf("POST", path)).toEqual({ kind: "refused" });
    expect(routeOf("GET", path)).toEqual({ kind: "refused" });
  });

  it.each(["/v1/models/", "/v1/models/..", "/v1/models/a/b", "/v1/models/%2e%2e", "/v1/models/a%2Fb"])(
    "refuses GET %s",
    (path) => {
      expect(routeOf("GET", path)).toEqual({ kind: "refused" });
    },
  );
});
