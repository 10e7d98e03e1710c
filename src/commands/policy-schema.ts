import { policyJsonSchema } from "../policy/json-schema.js";
import { type Context, EXIT } from "./context.js";

/** Print the JSON Schema of the policy file. */
export async function printPolicySchema({ io }: Context): Promise<number> {
  io.stdout.write(`${JSON.stringify(policyJsonSchema(), undefined, 2)}\n`);
  return EXIT.done;
}
