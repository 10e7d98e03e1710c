// A process of its own: an HTTPS server on loopback that answers every call with one chat completion, as Mistral does.
import { readFileSync } from "node:fs";
import { createServer } from "node:https";

const [, , port, certificateFile = "", keyFile = ""] = process.argv;

/** 200 words, of everyday size. */
const COMPLETION = JSON.stringify({
  id: "cf1a2f6de0b94bd1b1a4a3c2d5f6e7a8",
  created: 1_795_000_000,
  model: "mistral-small-latest",
  usage: { prompt_tokens: 480, total_tokens: 680, completion_tokens: 200 },
  object: "chat.completion",
  choices: [
    {
      index: 0,
      finish_reason: "stop",
      message: { role: "assistant", tool_calls: null, content: "It blows down the valley for days. ".repeat(28) },
    },
  ],
});
const HEADERS = { "content-type": "application/json", "content-length": Buffer.byteLength(COMPLETION) };

const server = createServer(
  { cert: readFileSync(certificateFile), key: readFileSync(keyFile), keepAliveTimeout: 60_000 },
  (request, response) => {
    request.resume().on("end", () => response.writeHead(200, HEADERS).end(COMPLETION));
  },
);
server.listen(Number(port), "127.0.0.1");
process.once("SIGTERM", () => process.exit(0));
