import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { envoyMethods } from "../support/envoy/envoy-protos.js";
import { afterwards } from "./running-service.js";

const { check: CHECK, process: PROCESS } = envoyMethods({ longs: Number, enums: Number, defaults: true });

/** One HTTP call as Envoy would tell of it. */
export interface Told {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string | object;
  /** Of the client's certificate. */
  readonly principal?: string;
  readonly extensions?: Readonly<Record<string, string>>;
  /** Of each token that Envoy verified, in the order of their names in its metadata. */
  readonly claims?: readonly Readonly<Record<string, string>>[];
}

/** What came back, flat. */
export interface Checked {
  /** 0: the call may go on; else what its client is answered. */
  readonly status: number;
  /** To the upstream where the call may go on, else to the client. */
  readonly headers: Readonly<Record<string, string>>;
  readonly toClient: Readonly<Record<string, string>>;
  readonly removed: readonly string[];
  readonly body: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Every header replaces what stands there. */
  readonly replaces: boolean;
}

export const CHAT = "/v1/chat/completions";

/** A chat call's body. */
export function chat(more: object = {}): object {
  return { model: "mistral-small-latest", max_tokens: 100, messages: [{ role: "user", content: "Hello" }], ...more };
}

/** Connect to Envoy's door as Envoy does. */
export function connectEnvoy(address: string) {
  const client = new Client(address, credentials.createInsecure());
  afterwards(() => client.close());
  const send = (request: object) => {
    let cancel = () => {};
    const answer = new Promise<object>((resolve, reject) => {
      const call = client.makeUnaryRequest(
        CHECK.path,
        CHECK.requestSerialize,
        CHECK.responseDeserialize,
        request,
        (error: ServiceError | null, value?: object) => (value ? resolve(value) : reject(error)),
      );
      cancel = () => call.cancel();
    });
    return { answer, cancel };
  };
  return {
    check: async (told: Told): Promise<Checked> => flat(await send(requestOf(told)).answer),
    /** Check, to be cancelled. */
    checkCall: (told: Told) => send(requestOf(told)),
    /** Any unary method that nobody may find here. */
    unary: (path: string) =>
      new Promise<unknown>((resolve, reject) => {
        const same = (bytes: Buffer) => bytes;
        client.makeUnaryRequest(path, same, same, Buffer.alloc(0), (error, value) =>
          error ? reject(error) : resolve(value),
        );
      }),
    process: () => client.makeBidiStreamRequest(PROCESS.path, PROCESS.requestSerialize, PROCESS.responseDeserialize),
  };
}

export function requestOf(told: Told): object {
  const { method = "POST", path = CHAT, body = chat(), headers = {}, principal = "", extensions = {}, claims } = told;
  const rawBody = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  const tokens = claims?.map((token, nth) => [`payload_${nth}`, { structValue: structOf(token) }]);
  const payload = tokens && { fields: Object.fromEntries(tokens) };
  return {
    attributes: {
      source: { principal },
      request: {
        http: {
          id: "1",
          method,
          path,
          headers: {
            ":path": path,
            ":method": method,
            ...(rawBody.length > 0 ? { "content-length": String(rawBody.length) } : {}),
            "content-type": "application/json",
            ...headers,
          },
          rawBody,
        },
      },
      contextExtensions: extensions,
      ...(payload ? { metadataContext: { filterMetadata: { "envoy.filters.http.jwt_authn": payload } } } : {}),
    },
  };
}

function structOf(values: Readonly<Record<string, string>>): object {
  return { fields: Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { stringValue: value }])) };
}

interface Option {
  readonly header: { readonly key: string; readonly value: string };
  readonly append: { readonly value: boolean } | null;
}

interface WireAnswer {
  readonly okResponse?: { headers: Option[]; headersToRemove: string[]; responseHeadersToAdd: Option[] };
  readonly deniedResponse?: { status: { code: number }; headers: Option[]; body: string };
  readonly dynamicMetadata?: { fields: Readonly<Record<string, { stringValue: string }>> };
}

function flat(answer: object): Checked {
  const { okResponse, deniedResponse, dynamicMetadata } = answer as WireAnswer;
  const headers = okResponse?.headers ?? deniedResponse?.headers ?? [];
  const toClient = okResponse?.responseHeadersToAdd ?? [];
  const named = (options: readonly Option[]) =>
    Object.fromEntries(options.map(({ header }) => [header.key, header.value]));
  return {
    status: deniedResponse?.status.code ?? 0,
    headers: named(headers),
    toClient: named(toClient),
    removed: okResponse?.headersToRemove ?? [],
    body: deniedResponse?.body ?? "",
    metadata: Object.fromEntries(
      Object.entries(dynamicMetadata?.fields ?? {}).map(([key, value]) => [key, value.stringValue]),
    ),
    replaces: [...headers, ...toClient].every(({ append }) => append?.value === false),
  };
}

/** The messages of one answer on its way through Envoy. */
export function answerMessages(options: {
  readonly metadata: Readonly<Record<string, string>>;
  readonly status?: number;
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly chunks: readonly (Buffer | string)[];
  /** Says that the last chunk is the last; true when left out. */
  readonly isWhole?: boolean;
  readonly observes?: boolean;
}): readonly object[] {
  const { status = 200, contentType = "application/json", contentEncoding, chunks, isWhole = true } = options;
  const rest = {
    observabilityMode: options.observes ?? true,
    metadataContext: { filterMetadata: { "envoy.filters.http.ext_authz": structOf(options.metadata) } },
  };
  const header = (key: string, value: string) => ({ key, rawValue: Buffer.from(value) });
  const headers = [
    header(":status", String(status)),
    header("content-type", contentType),
    ...(contentEncoding === undefined ? [] : [header("content-encoding", contentEncoding)]),
  ];
  const requestHeaders = { headers: { headers: [header(":path", CHAT)] }, endOfStream: false };
  return [
    { requestHeaders, ...rest },
    { responseHeaders: { headers: { headers }, endOfStream: false }, ...rest },
    ...chunks.map((chunk, nth) => ({
      responseBody: { body: Buffer.from(chunk), endOfStream: isWhole && nth === chunks.length - 1 },
      ...rest,
    })),
  ];
}
