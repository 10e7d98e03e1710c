import { expect, it } from "vitest";
import { describeEnvoy } from "../support/envoy/describe-envoy.js";
import { httpCall } from "../support/envoy/http-call.js";
import { allow, refuse, sidecar } from "../support/envoy/rig.js";
import { surroundings } from "../support/envoy/stage.js";
import { SERVER_ERROR, STREAM } from "../support/mistral/answers.js";
import { valuesOf } from "../support/mistral/exchange.js";

const CHAT = "/v1/chat/completions";
const QUESTION = { model: "mistral-small-latest", messages: [{ role: "user", content: "Count." }] };
const MAX_BODY = 8 * 1024 * 1024;

describeEnvoy("the sidecar's Envoy", (version) => {
  it("sends Mistral the question with Windbreak's key, and nothing of the caller's or of this network", async () => {
    const { door, port, mistral } = await sidecar(version, allow);
    const answer = await httpCall({
      port,
      path: CHAT,
      body: QUESTION,
      headers: {
        authorization: ["Bearer of-the-caller"],
        "accept-encoding": "gzip, br",
        "x-forwarded-for": "10.0.0.7",
      },
    });
    expect(JSON.parse(await answer.text())).toMatchObject({ object: "chat.completion", usage: { total_tokens: 13 } });
    const [request] = mistral.requests;
    if (!request) throw new Error("no request");
    expect(JSON.parse(request.body.toString())).toEqual(QUESTION);
    const sent = ["accept-encoding", "authorization", "content-length", "content-type", "host", "x-request-id"];
    expect(request.headers.map(([name]) => name).sort()).toEqual(sent);
    expect(valuesOf(request, "authorization")).toEqual(["Bearer of-mistral"]);
    expect(valuesOf(request, "accept-encoding")).toEqual(["identity"]);
    expect(valuesOf(request, "host")).toEqual(["api.mistral.ai"]);
    expect(door.checks[0]?.attributes.context_extensions).toEqual({ "windbreak.principal": "ci-reviewer" });
    expect(JSON.parse(String(door.checks[0]?.attributes.request.http.raw_body))).toEqual(QUESTION);
  });

  it("passes each chunk on as it comes, and shows all of them with the reservation", async () => {
    const { door, port, mistral } = await sidecar(version, allow);
    mistral.answer({ [`POST ${CHAT}`]: { ...STREAM, held: true } });
    const calling = httpCall({ port, path: CHAT, body: { ...QUESTION, stream: true } });
    const exchange = await mistral.arrived();
    const answer = await calling;
    for (let sent = 0; sent < 2; sent += 1) expect(await exchange.chunk()).toBe(await answer.part());
    exchange.rest();
    expect(await answer.text()).toBe(STREAM.chunks.slice(2).join(""));
    const { messages } = await door.watched(0);
    const kinds = messages.map(({ request }) => request);
    expect(kinds.slice(0, 2)).toEqual(["request_headers", "response_headers"]);
    expect(new Set(kinds.slice(2))).toEqual(new Set(["response_body"]));
    expect(messages.map(reservationOf)).toEqual(messages.map(() => "r-1"));
    expect(messages.map(bodyOf).join("")).toBe(STREAM.chunks.join(""));
    expect(messages.at(-1)?.["response_body"]).toMatchObject({ end_of_stream: true });
  });

  it("ends Mistral's answer as the caller hangs up, and says so by ending without an end of stream", async () => {
    const { door, port, mistral } = await sidecar(version, allow);
    mistral.answer({ [`POST ${CHAT}`]: { ...STREAM, held: true } });
    const calling = httpCall({ port, path: CHAT, body: { ...QUESTION, stream: true } });
    const exchange = await mistral.arrived();
    const answer = await calling;
    const first = await exchange.chunk();
    await answer.part();
    answer.hangUp();
    expect(await exchange.ended()).toBe("cut");
    const { messages } = await door.watched(0);
    expect(messages.map(bodyOf).join("")).toBe(first);
    expect(messages.at(-1)?.["response_body"]).not.toMatchObject({ end_of_stream: true });
  });

  it("speaks HTTP/2 with a Mistral that does", async () => {
    const { door, port, mistral } = await sidecar(version, allow, await surroundings({ http2: true }));
    const answer = await httpCall({ port, path: CHAT, body: { ...QUESTION, stream: true } });
    expect(await answer.text()).toBe(STREAM.chunks.join(""));
    const names = mistral.requests[0]?.headers.map(([name]) => name);
    expect(names).toContain(":authority");
    const { messages } = await door.watched(0);
    expect(messages.map(bodyOf).join("")).toBe(STREAM.chunks.join(""));
    expect(messages.at(-1)?.["response_body"]).toMatchObject({ end_of_stream: true });
  });

  it.each([413, 429, 503])("leaves Windbreak's refusal by %i as it is, and does not call Mistral", async (status) => {
    const { port, mistral } = await sidecar(version, refuse(status));
    const answer = await httpCall({ port, path: CHAT, body: QUESTION });
    expect(answer.status).toBe(status);
    expect(JSON.parse(await answer.text())).toEqual({ object: "error", message: "said by Windbreak" });
    expect(mistral.requests).toEqual([]);
  });

  it("refuses in Mistral's form, and does not call Mistral, where Windbreak does not answer", async () => {
    const { port, mistral } = await sidecar(version, () => "silence");
    const answer = await httpCall({ port, path: CHAT, body: QUESTION });
    expect(answer.status).toBe(503);
    expect(answer.headers).toMatchObject({ "content-type": "application/json", "retry-after": "1" });
    expect(JSON.parse(await answer.text())).toMatchObject({ object: "error", code: "policy_unavailable", param: null });
    expect(mistral.requests).toEqual([]);
  });

  it("takes a body of 8 MiB whole, and refuses one byte more in Mistral's form", async () => {
    const { door, port } = await sidecar(version, allow);
    const bare = JSON.stringify({ ...QUESTION, pad: "" });
    const sized = (bytes: number) => JSON.stringify({ ...QUESTION, pad: "x".repeat(bytes - bare.length) });
    const taken = await httpCall({ port, path: CHAT, body: sized(MAX_BODY) });
    expect(taken.status).toBe(200);
    expect(door.checks[0]?.attributes.request.http.raw_body).toHaveLength(MAX_BODY);
    const refused = await httpCall({ port, path: CHAT, body: sized(MAX_BODY + 1) });
    expect(refused.status).toBe(413);
    expect(refused.headers["content-type"]).toBe("application/json");
    expect(JSON.parse(await refused.text())).toMatchObject({ object: "error", code: "request_too_large" });
    expect(door.checks).toHaveLength(1);
  });

  it("calls Mistral once, whatever a caller asks of Envoy, and does not pass such wishes on", async () => {
    const { door, port, mistral } = await sidecar(version, allow);
    mistral.answer({ [`POST ${CHAT}`]: SERVER_ERROR });
    const headers = {
      "x-envoy-retry-on": "5xx",
      "x-envoy-max-retries": "3",
      "x-envoy-of-a-later-version": "1",
      "x-windbreak-reservation": "r-2",
    };
    const answer = await httpCall({ port, path: CHAT, body: QUESTION, headers });
    expect(answer.status).toBe(500);
    expect(mistral.requests).toHaveLength(1);
    const heard = Object.keys(door.checks[0]?.attributes.request.http.headers ?? {});
    expect(heard.filter((name) => name in headers)).toEqual([]);
  });

  it("shows Windbreak the path that Mistral would get", async () => {
    const { door, port, mistral } = await sidecar(version, allow);
    const paths = ["/v1//models", "/v1/x/../models", "/v1/./models"];
    for (const path of paths) expect((await httpCall({ port, path })).status).toBe(200);
    expect((await httpCall({ port, path: "/v1%2fmodels" })).status).toBe(400);
    const asked = door.checks.map(({ attributes }) => attributes.request.http.path);
    expect(asked).toEqual(paths.map(() => "/v1/models"));
    expect(mistral.requests.map(({ url }) => url)).toEqual(asked);
  });

  it("does not give the key to a server with another name in its certificate", async () => {
    const around = await surroundings({ mistralName: "DNS:mistral.example" });
    const { port } = await sidecar(version, allow, around);
    const answer = await httpCall({ port, path: CHAT, body: QUESTION });
    expect(answer.status).toBe(503);
    expect(JSON.parse(await answer.text())).toMatchObject({ object: "error", code: "upstream_unavailable" });
    expect(around.mistral.requests).toEqual([]);
  });
});

function reservationOf({ metadata_context }: { metadata_context: { filter_metadata: object } | null }): unknown {
  const metadata = metadata_context?.filter_metadata as Record<
    string,
    { fields: Record<string, { stringValue: string }> }
  >;
  return metadata["envoy.filters.http.ext_authz"]?.fields["windbreak_reservation_id"]?.stringValue;
}

function bodyOf(message: { readonly [field: string]: unknown }): string {
  const part = message["response_body"];
  return typeof part === "object" && part !== null && "body" in part && Buffer.isBuffer(part.body)
    ? part.body.toString("utf8")
    : "";
}
