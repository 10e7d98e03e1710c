import { type Command, failUsage } from "./context.js";

/** Make the command that says of another that this version does not have it. */
export function refuseKeys(name: string): Command {
  const remedy = "issue a key by windbreak keys issue, and revoke the old one by windbreak keys revoke";
  return async ({ io }) => failUsage(io, [{ where: `keys ${name}`, what: "is not in this version", remedy }]);
}
