import { expect, it } from "vitest";
import { startProcess } from "../integration/running-process.js";
import { apiKeyHashOf, apiKeyOf } from "../support/api-keys.js";
import { buildPython, linesOf } from "../support/clients/build.js";
import { describeClient } from "../support/clients/describe-client.js";
import { Authority } from "../support/envoy/certificates.js";
import { ANSWERS } from "../support/mistral/answers.js";
import { ReplayServer } from "../support/mistral/replay-server.js";

const POLICY = `
version: 1
workspaces: { dev: { models: ["*"] } }
roles: { crew: { models: ["*"] } }
principals:
  search:
    role: crew
    workspace: dev
    credentials: [{ api_key_sha256: "${apiKeyHashOf("search")}" }]
`;

describeClient("python", "Mistral's Python client, guarded from another machine", () => {
  it("proves who calls by an API key over TLS, and calls nothing without one", async () => {
    const authority = await Authority.create();
    const { files } = await authority.issue({ names: ["IP:127.0.0.1"] });
    const flags = ["--identity", "credential", "--tls-cert", files.certificate, "--tls-key", files.key];
    const [windbreak, mistral, program] = await Promise.all([
      startProcess(POLICY, { flags }),
      ReplayServer.start({ answers: ANSWERS }),
      buildPython("proved.py"),
    ]);
    try {
      const lines = await linesOf(program, {
        WINDBREAK: windbreak.address,
        WINDBREAK_CA: authority.root.files.certificate,
        WINDBREAK_KEY: apiKeyOf("search"),
        MISTRAL_URL: mistral.url,
      });
      expect(lines).toEqual([{ answered: 2 }, { no_decision: "UNAUTHENTICATED" }]);
    } finally {
      program.discard();
    }
    expect(mistral.requests).toHaveLength(2);
  }, 60_000);
});
