import type { Problem } from "./faults.js";
import type { PolicyFile } from "./schema.js";

/** Sections of which every caller needs one. */
const NEEDED = [
  { section: "workspaces", one: "workspace" },
  { section: "roles", one: "role" },
] as const;

/** Name what is doubtful in a sound file: a section without which every call is denied. */
export function policyWarnings(file: PolicyFile): readonly Problem[] {
  return NEEDED.filter(({ section }) => Object.keys(file[section]).length === 0).map(({ section, one }) => ({
    path: [section],
    at: "key",
    what: `there is no ${one}, so every call is denied`,
    remedy: `add one, such as ${section}: { NAME: { models: ["*"] } }`,
  }));
}
