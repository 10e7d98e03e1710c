import { describe, expect, it } from "vitest";
import { denialOf } from "../../../src/client/client.js";
import { apiKeyHashOf, apiKeyOf } from "../../support/api-keys.js";
import { startTls } from "../tls-stage.js";
import { CHAT, rig } from "./rig.js";

const POLICY = `
version: 1
organization: acme
workspaces: { search: { models: ["*"], limits: { usd_per_month: 10 } } }
roles: { service: { models: ["*"] } }
principals:
  indexer:
    role: service
    workspace: search
    credentials: [{ spiffe: spiffe://acme/indexer }, { api_key_sha256: "${apiKeyHashOf("indexer")}" }]
`;
const NOBODY = { principal: undefined, role: undefined, workspace: undefined };

async function stage({ asksClients = false } = {}) {
  const { port, authority } = await startTls({ policy: POLICY, identity: { kind: "credential" }, asksClients });
  return { address: `127.0.0.1:${port}`, ca: authority.root.certificate, authority };
}

describe("Mistral's client that proves who calls", () => {
  it("is whom its API key proves, by TLS", async () => {
    const { address, ca } = await stage();
    const { client, settled } = await rig({
      address,
      guard: { ...NOBODY, tls: { ca }, credential: () => apiKeyOf("indexer") },
    });
    await client.chat.complete(CHAT);
    await client.windbreak.settled();
    expect(settled).toMatchObject([{ kind: "recorded", recorded: { unreserved: false } }]);
  });

  it("is whom its certificate proves", async () => {
    const { address, ca, authority } = await stage({ asksClients: true });
    const { certificate: cert, key } = await authority.issue({ names: ["URI:spiffe://acme/indexer"] });
    const { client, verdicts } = await rig({ address, guard: { ...NOBODY, tls: { ca, cert, key } } });
    await client.chat.complete(CHAT);
    expect(verdicts).toMatchObject([{ kind: "allowed" }]);
  });

  it("makes no call where its key is none, though it is to fail open", async () => {
    const { address, ca } = await stage();
    const { client, mistral } = await rig({
      address,
      guard: { ...NOBODY, tls: { ca }, credential: apiKeyOf("stranger"), onUnavailable: "allow" },
    });
    const refused: unknown = await client.chat.complete(CHAT).catch((error: unknown) => error);
    expect(denialOf(refused)).toMatchObject({ reason: "rejected", httpStatus: 401 });
    expect(mistral.requests).toEqual([]);
  });

  it("does not trust a server that another authority vouches for", async () => {
    const { address } = await stage();
    const { ca } = await stage();
    const { client, mistral } = await rig({
      address,
      guard: { ...NOBODY, tls: { ca }, credential: apiKeyOf("indexer") },
    });
    const refused: unknown = await client.chat.complete(CHAT).catch((error: unknown) => error);
    expect(denialOf(refused)).toMatchObject({ reason: "unavailable" });
    expect(mistral.requests).toEqual([]);
  });
});
