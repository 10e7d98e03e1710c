import { z } from "zod";
import { keysSchema } from "./keys-schema.js";
import { policySchema } from "./schema.js";
import { suiteSchema } from "./suite-schema.js";

/**
 * The policy file's JSON Schema (draft 2020-12), for editors to complete and check from.
 *
 * It knows forms only: that a role exists, or that a map holds one key of two, the service itself checks.
 */
export function policyJsonSchema(): object {
  return jsonSchema(policySchema);
}

/** The JSON Schema of suites, with the policy's in it: a suite may hold its policy. */
export function suiteJsonSchema(): object {
  return jsonSchema(suiteSchema);
}

/** The JSON Schema of keys files. */
export function keysJsonSchema(): object {
  return jsonSchema(keysSchema);
}

function jsonSchema(schema: z.ZodType): object {
  return z.toJSONSchema(schema, { target: "draft-2020-12", io: "input", unrepresentable: "any" });
}
