import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { apiKeyHashOf, apiKeyOf } from "../support/api-keys.js";
import { statusOf } from "./running-service.js";
import { startTls } from "./tls-stage.js";

const small = { model: "mistral-small-latest", input_tokens: 1, max_output_tokens: 1 };
const POLICY = `
version: 1
organization: acme
workspaces: { dev: { models: ["*"] } }
roles: { crew: { models: ["*"] } }
principals:
  search: { role: crew, workspace: dev, credentials: [{ spiffe: spiffe://acme/search }, { api_key_sha256: "${apiKeyHashOf("search")}" }] }
trust:
  - { spiffe: "spiffe://acme/ns/*", role: crew, workspace: dev }
`;

const start = () => startTls({ policy: POLICY, identity: { kind: "credential" } });
const bearer = `Bearer ${apiKeyOf("search")}`;

describe("a caller with a client certificate", () => {
  it.each([
    ["a listed SPIFFE id", ["URI:spiffe://acme/search"], "search"],
    ["one that a rule trusts", ["DNS:pod.local", "URI:spiffe://acme/ns/lab"], "spiffe://acme/ns/lab"],
  ])("is whom the policy makes of %s", async (_, names, id) => {
    const stage = await start();
    const client = stage.client(await stage.authority.issue({ names }));
    expect(await client.authorize(small)).toMatchObject({ allowed: true });
    expect(await client.checkBudget({})).toMatchObject({ principal: { id } });
    expect(await statusOf(client.authorize({ ...small, principal: { id: "eve" } }))).toMatchObject({
      code: status.PERMISSION_DENIED,
    });
  });

  it("is denied by rule where its SPIFFE id means nobody", async () => {
    const stage = await start();
    const client = stage.client(await stage.authority.issue({ names: ["URI:spiffe://other/x"] }));
    expect(await client.authorize(small)).toMatchObject({ reason: "REASON_UNKNOWN_PRINCIPAL" });
    expect(await statusOf(client.checkBudget({}))).toMatchObject({ code: status.NOT_FOUND });
  });

  it.each([
    ["no URI", ["DNS:pod.local"]],
    ["two", ["URI:spiffe://acme/search", "URI:spiffe://acme/ns/lab"]],
  ])("is nobody by a certificate with %s", async (_, names) => {
    const stage = await start();
    const client = stage.client(await stage.authority.issue({ names }));
    expect(await statusOf(client.authorize(small))).toMatchObject({ code: status.UNAUTHENTICATED });
  });

  it("may show an API key too, of the same principal and of no other", async () => {
    const stage = await start();
    const as = async (...names: readonly string[]) =>
      stage.client(await stage.authority.issue({ names }), undefined, bearer);
    const [same, nobody, other] = [
      await as("URI:spiffe://acme/search"),
      await as("URI:spiffe://other/x"),
      await as("URI:spiffe://acme/ns/lab"),
    ];
    for (const client of [same, nobody])
      expect(await client.checkBudget({})).toMatchObject({ principal: { id: "search" } });
    expect(await statusOf(other.authorize(small))).toMatchObject({
      code: status.PERMISSION_DENIED,
      details: expect.stringContaining("the SPIFFE id means another than the API key does"),
    });
    const stream = other.authorizeStream();
    const ended = new Promise((resolve) => {
      stream.on("error", () => {});
      stream.on("data", () => {});
      stream.on("status", ({ code }) => resolve(code));
    });
    expect(await ended).toBe(status.PERMISSION_DENIED);
  });
});
