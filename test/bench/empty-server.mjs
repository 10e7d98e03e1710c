// The least that a grpc-js server can do for this service: decode the question, encode an answer that is always the
// same. What it costs is grpc-js's, and what Windbreak costs more is Windbreak's.
import { ServerCredentials } from "@grpc/grpc-js";
import { built } from "./built.mjs";

/** @type {typeof import("../../src/gen/windbreak/v1/policy_decision.js")} */
const { AuthorizeResponse, PolicyDecisionServiceService } = await built("gen/windbreak/v1/policy_decision.js");
/** @type {typeof import("../../src/transport/server.js")} */
const { createServer } = await built("transport/server.js");

/** As long as Windbreak's own. */
const ANSWER = AuthorizeResponse.fromPartial({
  requestId: "AAAAAAAAAAAAAA",
  allowed: true,
  reason: 1,
  reservationId: "AAAAAAAAAAAAAAAAAAAAAAAAAA",
  reservationExpiresAt: { seconds: 1_800_000_000, nanos: 500_000_000 },
  model: "mistral-small-2603",
  maxOutputTokens: 512,
  estimatedCostNanoUsd: 434_700,
  httpStatus: 200,
  policyRevision: "0000000000000000",
});

/** @type {import("../../src/gen/windbreak/v1/policy_decision.js").PolicyDecisionServiceServer} */
const handlers = {
  authorize: (_call, reply) => reply(null, ANSWER),
  recordUsage: (_call, reply) => reply({ code: 12 }),
  checkBudget: (_call, reply) => reply({ code: 12 }),
  authorizeStream: (call) => {
    call.on("data", ({ request }) => {
      call.write({ requestId: request?.requestId ?? "", result: { $case: "response", value: ANSWER } });
    });
    call.on("end", () => call.end());
  },
};

const server = createServer();
server.addService(PolicyDecisionServiceService, handlers);
server.bindAsync(`127.0.0.1:${process.argv[2]}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
});
process.once("SIGTERM", () => process.exit(0));
