import type { Path, Problem } from "./faults.js";
import type { PolicyFile } from "./schema.js";

/** Sections of which every caller needs one. */
const NEEDED = [
  { section: "workspaces", one: "workspace" },
  { section: "roles", one: "role" },
] as const;

/** What this version reads and checks but does not act on. One that is built is taken out here. */
const UNBUILT: readonly {
  readonly what: string;
  readonly remedy: string;
  readonly places: (file: PolicyFile) => readonly Path[];
}[] = [
  {
    what: "alerts are checked, but this version sends none",
    remedy: "watch the limits by CheckBudget",
    places: (file) => [
      ...(file.alerts.length > 0 ? [["alerts"]] : []),
      ...(Object.keys(file.notify).length > 0 ? [["notify"]] : []),
    ],
  },
];

/**
 * Name what is doubtful in a sound file: a section without which every call is denied, and what the file asks for and
 * this version does not do, each thing once, where it first stands.
 *
 * @param offsetOf where the key at a path stands.
 */
export function policyWarnings(file: PolicyFile, offsetOf: (path: Path) => number): readonly Problem[] {
  return [...emptySections(file), ...unbuilt(file, offsetOf)];
}

function emptySections(file: PolicyFile): readonly Problem[] {
  return NEEDED.filter(({ section }) => Object.keys(file[section]).length === 0).map(({ section, one }) => ({
    path: [section],
    at: "key",
    what: `there is no ${one}, so every call is denied`,
    remedy: `add one, such as ${section}: { NAME: { models: ["*"] } }`,
  }));
}

function unbuilt(file: PolicyFile, offsetOf: (path: Path) => number): readonly Problem[] {
  return UNBUILT.flatMap(({ what, remedy, places }): readonly Problem[] => {
    const [first] = places(file)
      .map((path) => ({ path, offset: offsetOf(path) }))
      .sort((left, right) => left.offset - right.offset);
    return first ? [{ path: first.path, at: "key", what, remedy }] : [];
  });
}
