import { keysJsonSchema, policyJsonSchema, suiteJsonSchema } from "../policy/json-schema.js";
import { type Context, EXIT, failUsage, isGiven } from "./context.js";

/** Print the JSON Schema of the policy file, of suites, or of keys files. */
export async function printPolicySchema({ io, flags }: Context): Promise<number> {
  const isSuite = isGiven(flags, "suite");
  const isKeys = isGiven(flags, "keys");
  if (isSuite && isKeys) {
    return failUsage(io, [{ where: "--keys", what: "beside --suite", remedy: "ask for one schema at a time" }]);
  }
  const schema = isSuite ? suiteJsonSchema() : isKeys ? keysJsonSchema() : policyJsonSchema();
  io.stdout.write(`${JSON.stringify(schema, undefined, 2)}\n`);
  return EXIT.done;
}
