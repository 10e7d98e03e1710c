import { describe, expect, it } from "vitest";
import {
  type AttributeContext,
  AuthorizationService,
  CheckRequest,
  CheckResponse,
  type HeaderValueOption,
} from "../../../../src/gen/envoy/service/auth/v3/external_auth.js";
import {
  ExternalProcessorService,
  ProcessingRequest,
  ProcessingResponse,
} from "../../../../src/gen/envoy/service/ext_proc/v3/external_processor.js";
import { envoyMethods } from "../../../support/envoy/envoy-protos.js";

const { check, process } = envoyMethods({ longs: Number, enums: Number });

const text = (value: string) => ({ stringValue: value });
/** protobufjs writes a default value that is named; the wire needs none. */
const FALSE = {};
const raw = (bytes: string) => Buffer.from(bytes);

describe("Envoy's external authorization", () => {
  it("has the same path", () => {
    expect(AuthorizationService.check.path).toBe(check.path);
  });

  it("is read as Envoy writes it", () => {
    const http = {
      id: "77",
      method: "POST",
      headers: { ":path": "/v1/ocr", authorization: "Bearer wb_x", "content-length": "2" },
      path: "/v1/ocr?x=1",
      host: "api.mistral.ai",
      size: 2,
      body: "{}",
      rawBody: raw("{}"),
    };
    const written = check.requestSerialize({
      attributes: {
        source: { principal: "spiffe://acme/ns/a/sa/b", address: { socketAddress: { address: "::1", portValue: 7 } } },
        destination: { principal: "spiffe://acme/envoy" },
        request: { time: { seconds: 5, nanos: 6 }, http },
        contextExtensions: { "windbreak.principal": "ada" },
        metadataContext: {
          filterMetadata: {
            "envoy.filters.http.jwt_authn": {
              fields: { payload: { structValue: { fields: { iss: text("https://idp"), aud: text("windbreak") } } } },
            },
          },
        },
        tlsSession: { sni: "x" },
      },
    });
    const read = CheckRequest.decode(written).attributes;
    expect(read).toMatchObject({
      source: { principal: "spiffe://acme/ns/a/sa/b" },
      request: { http: { ...http, rawBody: expect.anything() } },
      contextExtensions: { "windbreak.principal": "ada" },
      metadataContext: {
        filterMetadata: { "envoy.filters.http.jwt_authn": { payload: { iss: "https://idp", aud: "windbreak" } } },
      },
    } satisfies Record<keyof AttributeContext, unknown>);
    expect(Buffer.from(read?.request?.http?.rawBody ?? []).toString()).toBe("{}");
  });

  const header = (key: string, value: string): HeaderValueOption => ({
    header: { key, value, rawValue: Buffer.alloc(0) },
    append: { value: false },
  });

  it("is answered in the bytes that Envoy's protos give, when the call may go on", () => {
    const ours = CheckResponse.encode({
      status: { code: 0 },
      httpResponse: {
        $case: "okResponse",
        value: {
          headers: [header("authorization", "Bearer key")],
          headersToRemove: ["x-api-key"],
          responseHeadersToAdd: [header("x-windbreak-reason", "allowed")],
        },
      },
      dynamicMetadata: { windbreak_reservation_id: "r1" },
    }).finish();
    const option = (key: string, value: string) => ({ header: { key, value }, append: FALSE });
    const same = check.responseSerialize({
      status: {},
      okResponse: {
        headers: [option("authorization", "Bearer key")],
        headersToRemove: ["x-api-key"],
        responseHeadersToAdd: [option("x-windbreak-reason", "allowed")],
      },
      dynamicMetadata: { fields: { windbreak_reservation_id: text("r1") } },
    });
    expect(Buffer.from(ours).toString("hex")).toBe(same.toString("hex"));
  });

  it("is answered in the bytes that Envoy's protos give, when it is denied", () => {
    const ours = CheckResponse.encode({
      status: { code: 7 },
      httpResponse: {
        $case: "deniedResponse",
        value: { status: { code: 402 }, headers: [header("content-type", "application/json")], body: "{}" },
      },
      dynamicMetadata: { windbreak_reason: "spend_limit_exceeded" },
    }).finish();
    const same = check.responseSerialize({
      status: { code: 7 },
      deniedResponse: {
        status: { code: 402 },
        headers: [{ header: { key: "content-type", value: "application/json" }, append: FALSE }],
        body: "{}",
      },
      dynamicMetadata: { fields: { windbreak_reason: text("spend_limit_exceeded") } },
    });
    expect(Buffer.from(ours).toString("hex")).toBe(same.toString("hex"));
  });
});

describe("Envoy's external processing", () => {
  it("has the same path", () => {
    expect(ExternalProcessorService.process.path).toBe(process.path);
  });

  const headers = { headers: { headers: [{ key: ":status", rawValue: raw("200") }] }, endOfStream: true };
  const metadataContext = {
    filterMetadata: { "envoy.filters.http.ext_authz": { fields: { windbreak_reservation_id: text("r1") } } },
  };

  it.each([
    ["requestHeaders", headers],
    ["responseHeaders", headers],
    ["requestBody", { body: raw("a"), endOfStream: true }],
    ["responseBody", { body: raw("a") }],
    ["requestTrailers", { trailers: { headers: [{ key: "x", rawValue: raw("y") }] } }],
    ["responseTrailers", { trailers: { headers: [{ key: "x", rawValue: raw("y") }] } }],
  ] as const)("is read as Envoy writes it: %s", (kind, value) => {
    const attributes = { "envoy.filters.http.ext_proc": { fields: { "response.code_details": text("via_upstream") } } };
    const written = process.requestSerialize({ [kind]: value, metadataContext, attributes, observabilityMode: true });
    const read = ProcessingRequest.decode(written);
    expect(read.request?.$case).toBe(kind);
    expect(read.observabilityMode).toBe(true);
    expect(read.metadataContext?.filterMetadata["envoy.filters.http.ext_authz"]).toEqual({
      windbreak_reservation_id: "r1",
    });
    expect(read.attributes).toEqual({ "envoy.filters.http.ext_proc": { "response.code_details": "via_upstream" } });
    expect(process.requestSerialize(process.requestDeserialize(written))).toEqual(
      process.requestSerialize(process.requestDeserialize(Buffer.from(ProcessingRequest.encode(read).finish()))),
    );
  });

  it.each([
    "requestHeaders",
    "responseHeaders",
    "requestBody",
    "responseBody",
    "requestTrailers",
    "responseTrailers",
  ] as const)("is answered in the bytes that Envoy's protos give: %s", (kind) => {
    const ours = ProcessingResponse.encode({ response: { $case: kind, value: {} } }).finish();
    expect(Buffer.from(ours).toString("hex")).toBe(process.responseSerialize({ [kind]: {} }).toString("hex"));
  });
});
