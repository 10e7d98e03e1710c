import { describe, expect, it } from "vitest";
import { passageBy } from "../../../src/client/passage.js";

describe("the passage of a request", () => {
  const passage = passageBy(["POST /v1/audio/speech", "POST /v1/connectors/*/tools/*/call"]);

  it.each([
    ["GET", "/v1/models"],
    ["GET", "/v1/anything/else"],
    ["DELETE", "/v1/files/f1"],
    ["POST", "/v1/files"],
    ["POST", "/v1/agents"],
    ["PATCH", "/v1/agents/ag1"],
    ["POST", "/v1/batch/jobs/j1/cancel"],
  ])("lets %s %s pass, which costs nothing", (method, path) => {
    expect(passage(method, path).kind).toBe("passes");
  });

  it.each([
    ["/v1/chat/completions", "chat_completions"],
    ["/proxy/v1/embeddings", "embeddings"],
    ["/v1/audio/transcriptions", "audio_transcriptions"],
  ])("guards POST %s", (path, endpoint) => {
    expect(passage("POST", path)).toMatchObject({ kind: "guarded", route: { endpoint } });
  });

  it.each([
    "/v1/batch/jobs",
    "/v1/libraries/l1/documents",
    "/v1/workflows/w1/execute",
    "/v2/prompts",
    "/chat/completions",
  ])("refuses POST %s, whose cost nobody knows, and names the way to list it", (path) => {
    const message = expect.stringContaining(`list "POST ${path}" under unguarded`);
    expect(passage("POST", path)).toEqual({ kind: "refused", message });
  });

  it("lets pass what is listed, a star for one segment", () => {
    expect(passage("POST", "/v1/audio/speech").kind).toBe("passes");
    expect(passage("POST", "/v1/connectors/c1/tools/t1/call").kind).toBe("passes");
    expect(passage("POST", "/v1/connectors/c1/c2/tools/t1/call").kind).toBe("refused");
    expect(passage("POST", "/v1/audioXspeech").kind).toBe("refused");
  });
});
