import type { MistralCall } from "../../../src/mistral/mistral-call.js";
import { type Reading, type RequestBody, readCall } from "../../../src/mistral/read-call.js";
import { routeOf } from "../../../src/mistral/route.js";

type Head = Partial<Omit<RequestBody, "body">>;

/** Read a body as it is sent to a path of the API, such as `chat/completions`. */
export async function reading(path: string, body: unknown, head: Head = {}): Promise<Reading> {
  const route = routeOf("POST", `/v1/${path}`);
  if (route.kind !== "call") throw new Error(`${path} is no call`);
  return readCall(route, {
    body: Buffer.isBuffer(body) ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
    contentType: "application/json",
    contentEncoding: undefined,
    isPartial: false,
    contentLength: undefined,
    ...head,
  });
}

/** The call that a body asks for. */
export async function callIn(path: string, body: unknown, head?: Head): Promise<MistralCall> {
  const read = await reading(path, body, head);
  if (read.kind !== "call") throw new Error(`no call: ${read.message}`);
  return read;
}

/** The status and the field at fault of a body that cannot be read. */
export async function faultIn(path: string, body: unknown, head?: Head): Promise<string> {
  const read = await reading(path, body, head);
  return read.kind === "unreadable" ? `${read.status} ${read.param ?? "-"}` : read.kind;
}
