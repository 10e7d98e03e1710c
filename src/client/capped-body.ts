import { isRecord } from "../mistral/json-value.js";
import type { Form } from "../mistral/route.js";

/** What is written into a body that was read before. */
export interface Written {
  /** The most output of each choice. */
  readonly maxTokens: number | undefined;
  readonly model: string | undefined;
}

/** Write into the JSON of a call what was decided of it. A body that needs nothing written stays as it is. */
export function writtenInto(form: Form, body: Buffer, { maxTokens, model }: Written): Buffer {
  if (maxTokens === undefined && model === undefined) return body;
  const call: unknown = JSON.parse(body.toString());
  if (!isRecord(call)) return body;
  const cap = maxTokens === undefined ? {} : { max_tokens: maxTokens };
  const named = model === undefined || typeof call["model"] !== "string" ? {} : { model };
  const capped = form === "conversation" ? { completion_args: { ...argsIn(call), ...cap } } : cap;
  return Buffer.from(JSON.stringify({ ...call, ...capped, ...named }));
}

function argsIn(call: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const args = call["completion_args"];
  return isRecord(args) ? args : {};
}
