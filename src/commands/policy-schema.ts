import { policyJsonSchema, suiteJsonSchema } from "../policy/json-schema.js";
import { type Context, EXIT, isGiven } from "./context.js";

/** Print the JSON Schema of the policy file, or of suites. */
export async function printPolicySchema({ io, flags }: Context): Promise<number> {
  const schema = isGiven(flags, "suite") ? suiteJsonSchema() : policyJsonSchema();
  io.stdout.write(`${JSON.stringify(schema, undefined, 2)}\n`);
  return EXIT.done;
}
