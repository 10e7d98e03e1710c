import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { Mistral } from "@mistralai/mistralai";
import { SDKError } from "@mistralai/mistralai/models/errors";
import { expect, it } from "vitest";
import { pathOf } from "../support/envoy/at-hand.js";
import { describeEnvoy } from "../support/envoy/describe-envoy.js";
import { allow, refuse, sidecar } from "../support/envoy/rig.js";

const PYTHON_CLIENT = join(import.meta.dirname, "../clients/mistral_calls.py");
const CHAT = { model: "mistral-small-latest", messages: [{ role: "user" as const, content: "Count." }] };

describeEnvoy("Mistral's TypeScript client, through Envoy", (version) => {
  const clientOf = (port: number) => new Mistral({ apiKey: "any", serverURL: `http://127.0.0.1:${port}` });

  it("completes, streams and embeds", async () => {
    const client = clientOf((await sidecar(version, allow)).port);
    const whole = await client.chat.complete(CHAT);
    expect(whole.usage.totalTokens).toBe(13);
    const pieces: unknown[] = [];
    for await (const { data } of await client.chat.stream(CHAT)) pieces.push(data.choices[0]?.delta.content);
    expect(pieces).toEqual(["un", " deux", " trois"]);
    const vectors = await client.embeddings.create({ model: "mistral-embed", inputs: "un" });
    expect(vectors.usage.totalTokens).toBe(4);
  });

  it("reads a refusal as the error that it knows", async () => {
    const refused = clientOf((await sidecar(version, refuse(403))).port).chat.complete(CHAT);
    await expect(refused).rejects.toBeInstanceOf(SDKError);
    await expect(refused).rejects.toMatchObject({ statusCode: 403 });
  });
});

describeEnvoy(
  "Mistral's Python client, through Envoy",
  (version) => {
    const said = async (port: number) => {
      const args = [PYTHON_CLIENT, `http://127.0.0.1:${port}`, CHAT.model, "mistral-embed"];
      const env = { ...process.env, MISTRAL_API_KEY: "any" };
      const { stdout } = await promisify(execFile)(pathOf({ kind: "mistralai" }), args, { env });
      const lines = stdout.trim().split("\n");
      return lines.map((line): unknown => JSON.parse(line));
    };

    it("completes, streams and embeds", async () => {
      expect(await said((await sidecar(version, allow)).port)).toEqual([
        { call: "complete", text: "un deux trois", total_tokens: 13 },
        { call: "stream", text: "un deux trois", total_tokens: 13 },
        { call: "embed", vectors: 1, total_tokens: 4 },
      ]);
    });

    it("reads a refusal as the error that it knows", async () => {
      const refused = { status: 403, body: JSON.stringify({ object: "error", message: "said by Windbreak" }) };
      expect(await said((await sidecar(version, refuse(403))).port)).toEqual(
        ["complete", "stream", "embed"].map((call) => ({ call, ...refused })),
      );
    });
  },
  [{ kind: "mistralai" }],
);
