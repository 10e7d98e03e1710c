import { type Context, EXIT } from "./context.js";

/** Stub. */
export async function diffPolicies(_context: Context): Promise<number> {
  return EXIT.done;
}
