import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadSync } from "@grpc/proto-loader";
import { AMOUNTS, framed, MODEL, PRINCIPAL } from "./question.mjs";

/** Envoy's own protos, as gRPC's xDS client ships them: Windbreak's leave out what it does not read, and Envoy sends it. */
const DEPS = join(dirname(fileURLToPath(import.meta.resolve("@grpc/grpc-js-xds/package.json"))), "deps");
const protos = loadSync("envoy/service/auth/v3/external_auth.proto", {
  includeDirs: ["envoy-api", "xds", "googleapis", "protoc-gen-validate"].map((name) => join(DEPS, name)),
});
const CHAT = "/v1/chat/completions";
const BODY_BYTES = 2048;

/** The call that is guarded: a chat completion whose body has 2 KiB. */
export const CHAT_BODY = chatBody();

/**
 * What Envoy asks of that call, as it comes from deploy/envoy/sidecar.yaml.
 *
 * @param {string | Uint8Array} [body] of another call.
 * @param {{ path?: string, contentType?: string }} [more]
 */
export function checkBody(body = CHAT_BODY, { path = CHAT, contentType = "application/json" } = {}) {
  const service = protos["envoy.service.auth.v3.Authorization"];
  const check = service && "Check" in service ? service["Check"] : undefined;
  if (!check || typeof check !== "object" || !("requestSerialize" in check))
    throw new Error("Envoy's protos lack Check");
  const rawBody = Buffer.from(body);
  /** @param {number} portValue */
  const address = (portValue) => ({ address: { socketAddress: { address: "127.0.0.1", portValue } } });
  return framed(
    check.requestSerialize({
      attributes: {
        source: address(44870),
        destination: address(10000),
        request: {
          time: { seconds: 1_795_000_000, nanos: 251_000_000 },
          http: {
            id: "12718302851942315101",
            method: "POST",
            headers: headers(path, contentType, rawBody.length),
            path,
            host: "127.0.0.1:10000",
            scheme: "http",
            size: rawBody.length,
            protocol: "HTTP/1.1",
            rawBody,
          },
        },
        contextExtensions: { "windbreak.principal": PRINCIPAL.id },
        metadataContext: {},
        routeMetadataContext: {},
      },
    }),
  );
}

/**
 * Those of a client of Mistral's, and what Envoy adds.
 *
 * @param {string} path
 * @param {string} contentType
 * @param {number} length
 */
function headers(path, contentType, length) {
  return {
    ":authority": "127.0.0.1:10000",
    ":method": "POST",
    ":path": path,
    ":scheme": "http",
    accept: "application/json",
    "accept-encoding": "gzip, deflate, zstd",
    authorization: "Bearer none",
    "content-length": String(length),
    "content-type": contentType,
    "user-agent": "mistral-client-python/1.9.11",
    "x-envoy-auth-partial-body": "false",
    "x-forwarded-proto": "http",
    "x-request-id": "5e7b2c1f-4a86-4a11-9e0d-2f1a7c3b9d58",
  };
}

function chatBody() {
  const bodyOf = (/** @type {string} */ content) =>
    JSON.stringify({
      model: MODEL,
      max_tokens: AMOUNTS.maxOutputTokens,
      temperature: 0.3,
      messages: [
        { role: "system", content: "You answer questions about the weather in one paragraph." },
        { role: "user", content },
      ],
    });
  const text = "The mistral blows from the north-west, down the Rhône valley: cold, dry, for days.\n".repeat(20);
  return bodyOf(text + "x".repeat(BODY_BYTES - Buffer.byteLength(bodyOf(text))));
}
