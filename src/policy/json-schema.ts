import { z } from "zod";
import { policySchema } from "./schema.js";

/**
 * The policy file's JSON Schema (draft 2020-12), for editors to complete and check from.
 *
 * It knows forms only: that a role exists, or that a map holds one key of two, the service itself checks.
 */
export function policyJsonSchema(): object {
  return z.toJSONSchema(policySchema, { target: "draft-2020-12", io: "input", unrepresentable: "any" });
}
