import { expect, it } from "vitest";
import { describeEnvoy } from "../support/envoy/describe-envoy.js";
import { httpCall } from "../support/envoy/http-call.js";
import { allow, gateway } from "../support/envoy/rig.js";
import { IDS } from "../support/envoy/stage.js";

const CHAT = "/v1/chat/completions";
const QUESTION = { model: "mistral-small-latest", messages: [{ role: "user", content: "Count." }] };

describeEnvoy("the gateway's Envoy", (version) => {
  it("tells Windbreak the SPIFFE id that the caller has proved", async () => {
    const { door, port, around } = await gateway(version, allow);
    const tls = { client: around.certificates.service, root: around.authority.root.certificate };
    const answer = await httpCall({ port, path: CHAT, body: QUESTION, tls });
    expect(answer.status).toBe(200);
    expect(door.checks.map(({ attributes }) => attributes.source.principal)).toEqual([IDS.service]);
  });

  it("takes no caller without a SPIFFE id of its trust domain", async () => {
    const { door, port, around } = await gateway(version, allow);
    const root = around.authority.root.certificate;
    const foreign = await around.authority.issue({ names: ["URI:spiffe://other/ns/search"] });
    const disguised = await around.authority.issue({ names: ["DNS:x"], commonName: IDS.service });
    for (const tls of [{ root }, { root, client: foreign }, { root, client: disguised }]) {
      await expect(httpCall({ port, path: CHAT, body: QUESTION, tls })).rejects.toThrow(/alert/);
    }
    expect(door.checks).toEqual([]);
  });
});
