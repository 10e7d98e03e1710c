import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client, credentials } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

/** A policy of a company of some size, with ceilings that the calls below come near to. */
export const POLICY = `version: 1
organization: acme
timezone: Europe/Paris
limits: { usd_per_month: 60 }
workspaces:
  search:
    models: [mistral-embed, "mistral-small-*", "mistral-large-*"]
    limits: { usd_per_month: 40, usd_per_hour: 2, requests_per_minute: 2600 }
  support:
    models: ["mistral-small-*", "mistral-medium-*"]
    limits: { usd_per_day: 6 }
  research:
    models: ["*"]
    limits: { usd_per_month: 25, tokens_per_day: { ceiling: 2_500_000, on_exceed: shadow } }
roles:
  analyst:
    models: ["*"]
    limits: { tokens_per_day: 1_200_000 }
  assistant:
    models: ["mistral-small-*", "mistral-medium-*"]
    limits: { tokens_per_hour: { ceiling: 1_500_000, shared_by: role } }
  service:
    models: ["*"]
    limits: { concurrent_requests: 40 }
principals:
  indexer:
    role: service
    workspace: search
    limits: { usd_per_day: 2 }
`;

const CALLERS = [
  { id: "indexer", role: "service", workspace: "search", model: "mistral-small-latest", often: 10, input: 2400 },
  { id: "query-rewriter", role: "service", workspace: "search", model: "mistral-small-latest", often: 7, input: 700 },
  { id: "help-desk", role: "assistant", workspace: "support", model: "mistral-medium-latest", often: 5, input: 1500 },
  { id: "mail-drafts", role: "assistant", workspace: "support", model: "mistral-small-latest", often: 4, input: 900 },
  { id: "ada", role: "analyst", workspace: "research", model: "mistral-large-latest", often: 3, input: 1800 },
  { id: "grace", role: "analyst", workspace: "research", model: "mistral-large-latest", often: 2, input: 1200 },
  { id: "edsger", role: "analyst", workspace: "research", model: "codestral-latest", often: 1, input: 800 },
  { id: "barbara", role: "analyst", workspace: "support", model: "mistral-large-latest", often: 0.4, input: 600 },
  { id: "night-batch", role: "batch", workspace: "search", model: "mistral-small-latest", often: 0.3, input: 600 },
];

/** Write the policy into a folder. @returns where. */
export function writePolicy(folder) {
  const file = join(folder, "policy.yaml");
  writeFileSync(file, POLICY);
  return file;
}

/** Ask a server as many callers would, so many times a second, for so long. Most of what is let through is settled. */
export async function askLikeMany(address, { perSecond, seconds }) {
  const proto = loadSync("windbreak/v1/policy_decision.proto", {
    includeDirs: [join(import.meta.dirname, "../../proto")],
    keepCase: true,
    longs: Number,
  });
  const service = proto["windbreak.v1.PolicyDecisionService"];
  const client = new Client(address, credentials.createInsecure());
  const call = ({ path, requestSerialize, responseDeserialize }, request) =>
    new Promise((resolve, reject) => {
      const done = (error, answer) => (error ? reject(error) : resolve(answer));
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, done);
    });
  const random = seeded(7);
  const weights = CALLERS.reduce((all, { often }) => all + often, 0);
  const one = async () => {
    const { input, model, often: _, ...principal } = callerAt(random() * weights);
    const tokens = Math.round(input * (0.4 + random() * 1.2));
    const asked = { principal, model, input_tokens: tokens, max_output_tokens: 600 };
    const answer = await call(service.Authorize, asked);
    if (!answer.allowed || random() < 0.002) return;
    await new Promise((resolve) => setTimeout(resolve, 200 + random() * 1_500));
    const usage = { input_tokens: tokens, output_tokens: Math.round(80 + random() * 420) };
    await call(service.RecordUsage, { reservation_id: answer.reservation_id, usage });
  };
  const running = [];
  const begun = performance.now();
  for (let elapsed = 0; elapsed < seconds; elapsed = (performance.now() - begun) / 1_000) {
    const pace = perSecond * (1 + 0.35 * Math.sin(elapsed / 9) + 0.15 * Math.sin(elapsed / 2.3));
    for (let left = pace / 20; left > 0; left--) if (random() < left) running.push(one());
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await Promise.all(running);
  client.close();
}

/** The caller at a place of all, each as wide as it asks often. */
function callerAt(place) {
  let end = 0;
  for (const caller of CALLERS) {
    end += caller.often;
    if (place < end) return caller;
  }
  return CALLERS[0];
}

function seeded(seed) {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}
