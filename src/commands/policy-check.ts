import type { Policy } from "../domain/policy.js";
import { printable } from "../domain/printable.js";
import { type Context, EXIT } from "./context.js";
import { openPolicy } from "./policy-file.js";
import { plural } from "./table.js";

/** Say whether a policy file is sound. @returns 1 where it is at fault, 2 where it cannot be read. */
export async function checkPolicy({ io, args }: Context): Promise<number> {
  const [file = ""] = args;
  const opened = await openPolicy(io, file);
  if ("exitCode" in opened) return opened.exitCode;
  io.stdout.write(`${printable(file)}: policy ${opened.policy.revision} is sound: ${contents(opened.policy)}\n`);
  return EXIT.done;
}

function contents({ workspaces, roles, principals, limits }: Policy): string {
  const ruled = [...workspaces.values(), ...roles.values(), ...principals.values()];
  const limitCount = ruled.reduce((count, one) => count + one.limits.length, limits.length);
  return [
    plural(workspaces.size, "workspace"),
    plural(roles.size, "role"),
    plural(principals.size, "principal"),
    plural(limitCount, "limit"),
  ].join(", ");
}
