import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CheckRequest, type DeepPartial } from "../../../../src/gen/envoy/service/auth/v3/external_auth.js";
import { type HttpCall, readHttpCall } from "../../../../src/transport/envoy/http-call.js";

function bytesOf(given: DeepPartial<CheckRequest>): Buffer {
  return Buffer.from(CheckRequest.encode(CheckRequest.fromPartial(given)).finish());
}

type Attributes = NonNullable<DeepPartial<CheckRequest>["attributes"]>;
type Http = NonNullable<NonNullable<Attributes["request"]>["http"]>;

function told(http: Http, besides: Attributes = {}): HttpCall | undefined {
  return readHttpCall(bytesOf({ attributes: { request: { http }, ...besides } }));
}

const text = fc.string({ unit: "binary", maxLength: 40 });
const name = fc.constantFrom(
  "content-type",
  "content-encoding",
  "authorization",
  "Content-Type",
  "x-other",
  "",
  "cookie",
);
const request = fc.record({
  http: fc.record({ id: text, method: text, path: text, host: text, size: fc.maxSafeNat() }),
  headers: fc.dictionary(name, text),
  body: fc.uint8Array({ maxLength: 300 }),
  principal: text,
  extensions: fc.dictionary(fc.constantFrom("windbreak.principal", "windbreak.role", "other"), text),
});

describe("the reader of Envoy's questions", () => {
  it("reads what the generated decoder reads", () => {
    fc.assert(
      fc.property(request, ({ http, headers, body, principal, extensions }) => {
        const bytes = bytesOf({
          attributes: {
            source: { principal },
            request: { http: { ...http, headers, rawBody: Buffer.from(body) } },
            contextExtensions: extensions,
          },
        });
        const { attributes } = CheckRequest.decode(bytes);
        const expected = attributes?.request?.http;
        const call = readHttpCall(bytes);
        expect(call).toMatchObject({
          method: expected?.method,
          path: expected?.path,
          contentType: expected?.headers["content-type"] ?? "",
          contentEncoding: expected?.headers["content-encoding"] ?? "",
        });
        expect(call?.body.equals(expected?.rawBody ?? Buffer.alloc(0))).toBe(true);
        expect(call?.evidence.named?.id ?? "").toBe(attributes?.contextExtensions["windbreak.principal"] ?? "");
        expect(call?.evidence.named?.role ?? "").toBe(attributes?.contextExtensions["windbreak.role"] ?? "");
      }),
    );
  });

  it("reads no call where nothing is said of HTTP", () => {
    expect(readHttpCall(Buffer.alloc(0))).toBeUndefined();
    expect(readHttpCall(bytesOf({ attributes: { source: { principal: "spiffe://acme/ns/a/sa/b" } } }))).toBeUndefined();
  });

  it("takes the body that is there, as text or as bytes", () => {
    expect(told({ body: "{}" })?.body.toString()).toBe("{}");
    expect(told({ rawBody: Buffer.from("[]") })?.body.toString()).toBe("[]");
  });

  it("joins by commas what raw headers have more than once", () => {
    const headers = [
      { key: "Content-Type", rawValue: Buffer.from("application/json") },
      { key: "content-type", value: "text/plain", rawValue: Buffer.alloc(0) },
      { key: "x-other", value: "1", rawValue: Buffer.alloc(0) },
    ];
    expect(told({ headerMap: { headers } })?.contentType).toBe("application/json,text/plain");
  });

  it("reads a length of digits alone, and whether the body is a part", () => {
    const call = told({ headers: { "content-length": "12", "x-envoy-auth-partial-body": "true" } });
    expect(call).toMatchObject({ contentLength: 12, isPartial: true });
    expect(told({ headers: { "content-length": "+1" } })).toMatchObject({ contentLength: undefined, isPartial: false });
  });

  it("gathers a SPIFFE id, a key of Windbreak's and the claims of a token", () => {
    const claims = { iss: "https://idp.acme.example", sub: "ada" };
    const besides = {
      source: { principal: "spiffe://acme/ns/a/sa/b" },
      metadataContext: { filterMetadata: { "envoy.filters.http.jwt_authn": { payload: claims } } },
    };
    expect(told({ headers: { authorization: "bearer wb_key" } }, besides)?.evidence).toEqual({
      spiffeId: "spiffe://acme/ns/a/sa/b",
      apiKey: "wb_key",
      claims,
    });
  });

  it("refuses bytes that are no message, wherever they are cut", () => {
    const whole = bytesOf({ attributes: { request: { http: { method: "POST", path: "/v1/models" } } } });
    for (let length = 1; length < whole.length; length++) {
      expect(() => readHttpCall(whole.subarray(0, length))).toThrow("no protobuf message");
    }
  });

  it("ends on any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          readHttpCall(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
    );
  });
});
