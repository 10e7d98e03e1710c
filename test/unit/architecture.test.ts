import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, it } from "vitest";

const SRC = join(import.meta.dirname, "../../src");

/** What each room may import besides itself; a room that is not named here may not exist. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  main: ["commands", "version"],
  version: [],
  settings: ["counters/redis/redis-url", "domain", "transport/address"],
  commands: [
    "alerts",
    "app",
    "counters",
    "domain",
    "gen",
    "identity",
    "keys",
    "mistral",
    "policy",
    "settings",
    "telemetry",
    "transport",
    "version",
  ],
  domain: [],
  app: ["domain"],
  policy: ["app/ports", "domain"],
  alerts: ["app/alert-ports", "app/ports", "domain"],
  counters: ["app/alert-ports", "app/key-use-ports", "app/pending-usage", "app/ports", "app/rotation-ports", "domain"],
  identity: ["app/fault", "app/forms", "app/identify", "app/identity-ports", "app/ports", "app/refused", "domain"],
  keys: ["app/identity-ports", "app/key-ports", "app/key-use-ports", "app/ports", "app/rotation-ports", "domain"],
  mistral: ["app/key-ports", "domain"],
  transport: ["app", "domain", "gen", "mistral"],
  telemetry: ["app/decision-log", "app/ports", "app/trace-context", "app/tracing", "domain"],
  client: ["domain", "gen", "mistral"],
  gen: [],
  page: [],
};

interface Import {
  readonly from: string;
  readonly to: string;
}

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));

function importsOf(file: string): readonly Import[] {
  const text = readFileSync(join(SRC, file), "utf8");
  const from = file.replace(/\.ts$/, "");
  return [...text.matchAll(/(?:from|import\(|import)\s*["'](\.[^"']+)\.js["']/g)].map(([, target = ""]) => ({
    from,
    to: relative(SRC, normalize(join(SRC, dirname(file), target))),
  }));
}

function roomOf(module: string): string {
  return module.split("/")[0] ?? module;
}

function isAllowed({ from, to }: Import): boolean {
  const room = roomOf(from);
  if (roomOf(to) === room) return true;
  return (ARROWS[room] ?? []).some((arrow) => to === arrow || to.startsWith(`${arrow}/`));
}

const imports = files.filter((file) => !file.startsWith("gen/")).flatMap(importsOf);

/** The rooms that a room imports from, as docs/architecture.md tells them. */
function toldRooms(): Readonly<Record<string, readonly string[]>> {
  const page = readFileSync(join(SRC, "../docs/architecture.md"), "utf8");
  const rows = [...page.matchAll(/^\| `(\w+)` \|.*\|([^|]*)\|$/gm)];
  return Object.fromEntries(rows.map(([, room = "", rooms = ""]) => [room, rooms.match(/\w+(?=`)/g) ?? []]));
}

function importedRooms(arrows: readonly string[]): readonly string[] {
  return [...new Set(arrows.map(roomOf))].sort();
}

describe("the house", () => {
  it("is told of as it is in docs/architecture.md", () => {
    const rooms = Object.entries(ARROWS).map(([room, arrows]) => [room, importedRooms(arrows)]);
    expect(toldRooms()).toEqual(Object.fromEntries(rooms));
  });

  it("has no room that the plan does not know", () => {
    expect([...new Set(files.map((file) => roomOf(file.replace(/\.ts$/, ""))))].sort()).toEqual(
      Object.keys(ARROWS).sort(),
    );
  });

  it("has no arrow that the plan does not allow", () => {
    expect(imports.length).toBeGreaterThan(100);
    expect(imports.filter((one) => !isAllowed(one))).toEqual([]);
  });

  it("has no cycle", () => {
    const next = new Map<string, readonly string[]>();
    for (const { from, to } of imports) next.set(from, [...(next.get(from) ?? []), to]);
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (module: string, path: readonly string[]): void => {
      if (path.includes(module)) cycles.push([...path.slice(path.indexOf(module)), module].join(" -> "));
      if (path.includes(module) || done.has(module)) return;
      for (const target of next.get(module) ?? []) visit(target, [...path, module]);
      done.add(module);
    };
    for (const module of next.keys()) visit(module, []);
    expect(cycles).toEqual([]);
  });

  it("reads the environment in one place", () => {
    const readers = files.filter((file) => readFileSync(join(SRC, file), "utf8").includes("process.env"));
    expect(readers).toEqual(["settings.ts"]);
  });
});
