// Call Mistral through Windbreak, and print one JSON line for each call.
//
// Usage: MISTRAL_API_KEY=… node calls.js WINDBREAK [MISTRAL_URL]
import { Mistral } from "@mistralai/mistralai";
import { denialOf, withWindbreak } from "windbreak/client";

const [windbreak = "127.0.0.1:50051", serverURL] = process.argv.slice(2);

const client = new Mistral({
  apiKey: process.env["MISTRAL_API_KEY"] ?? "",
  retryConfig: { strategy: "backoff" },
  ...(serverURL && { serverURL }),
});
const mistral = withWindbreak(client, {
  address: windbreak,
  principal: "indexer",
  role: "service",
  workspace: "search",
  labels: { job: "counting" },
  onSettled: (settled) => {
    if (settled.kind === "lost") console.error(`not settled: ${settled.message}`);
  },
});

const model = "mistral-small-latest";
const messages = [{ role: "user" as const, content: "Count to three in French." }];

async function complete() {
  const answer = await mistral.chat.complete({ model, messages, maxTokens: 16 });
  return { text: answer.choices[0]?.message?.content, total_tokens: answer.usage.totalTokens };
}

async function stream() {
  let text = "";
  for await (const { data } of await mistral.chat.stream({ model, messages, maxTokens: 16 })) {
    const piece = data.choices[0]?.delta.content;
    if (typeof piece === "string") text += piece;
  }
  return { text };
}

async function askForTooMuch() {
  return { text: await mistral.chat.complete({ model, messages, maxTokens: 100_000 }) };
}

for (const call of [complete, stream, askForTooMuch]) {
  try {
    console.log(JSON.stringify({ call: call.name, ...(await call()) }));
  } catch (error) {
    const denial = denialOf(error);
    // Whatever Windbreak did not refuse is Mistral's error, or the network's.
    if (!denial) throw error;
    const { reason, limit, fittingOutputTokens } = denial;
    console.log(JSON.stringify({ call: call.name, reason, limit, fittingOutputTokens }));
  }
}
// What the last calls used is still on its way.
await mistral.windbreak.close();
