import { isMap, isSeq, parseAllDocuments, parseDocument, type YAMLMap } from "yaml";
import { formatFault } from "../../src/policy/faults.js";
import { loadPolicy } from "../../src/policy/load-policy.js";
import { readKeys } from "../../src/policy/read-keys.js";
import { metricFaults } from "./known.js";
import type { Block } from "./markdown.js";
import type { Stage } from "./stage.js";

const POLICY = [
  "version",
  "organization",
  "timezone",
  "limits",
  "workspaces",
  "roles",
  "principals",
  "trust",
  "models",
  "alerts",
  "notify",
  "price_factor",
  "unbounded",
];
const SUITE_HEAD = "policy: policy.yaml\nat: 2026-11-29T12:00:00Z\ncases:\n";
const A_REQUEST = "{ principal: ada, role: admin, workspace: ml-workspace, model: mistral-embed, input_tokens: 1 }";

interface Kind {
  /** Any of these at the top tells it. */
  readonly keys: readonly string[];
  readonly faults: (
    block: Block,
    stage: Stage,
    keys: readonly string[],
  ) => readonly string[] | Promise<readonly string[]>;
}

/** What YAML stands in the docs, the first that fits. */
const KINDS: readonly Kind[] = [
  { keys: ["cases", "given", "request"], faults: suiteFaults },
  // Of Kubernetes, compose, CI systems: read, and no more. What is in deploy/ is judged by tests of its own.
  { keys: ["apiVersion", "services", "jobs", "components"], faults: () => [] },
  { keys: ["scrape_configs", "rule_files", "groups"], faults: metricFaults },
  { keys: ["static_resources"], faults: envoyFaults },
  { keys: ["mistral", "upstream", "sink"], faults: keysFaults },
];

/** Judge YAML by what it is: a policy, a suite, Prometheus's, or another program's. @returns its faults. */
export async function yamlFaults(block: Block, stage: Stage): Promise<readonly string[]> {
  const documents = parseAllDocuments(block.text);
  const broken = documents.flatMap(({ errors }) => errors.map(({ message }) => message.split("\n")[0]));
  if (broken.length > 0) return broken.map((fault) => `${block.at}: ${fault}`);
  const value: unknown = documents.at(-1)?.toJS();
  if (Array.isArray(value)) return suiteFaults(block, stage, []);
  const keys = typeof value === "object" && value !== null ? Object.keys(value) : [];
  const kind = KINDS.find(({ keys: telling }) => telling.some((key) => keys.includes(key)));
  if (kind) return kind.faults(block, stage, keys);
  if (keys.length > 0 && keys.every((key) => POLICY.includes(key))) return policyFaults(block, stage);
  return [
    `${block.at}: what this YAML is, with ${keys.join(", ")} at the top, nobody knows; add its kind to test/docs/yaml-blocks.ts, or mark the block "not run: run by PATH" of the test that judges it`,
  ];
}

/** The file that a block is to be saved as, by a comment on its first line or by the prose before it. */
export function fileOf({ text, prose }: Block): string | undefined {
  return (
    /^(?:#|\/\/) ([\w.-]+\.\w+)\n/.exec(text)?.[1] ?? /\b[Ss]ave (?:it |this |that )?as `([\w./-]+)`/.exec(prose)?.[1]
  );
}

/** A whole policy is judged by itself, a part of one as an edit of what the reader has. */
function policyFaults(block: Block, stage: Stage): readonly string[] {
  const isWhole = /^version:/m.test(block.text);
  const file = fileOf(block);
  const text = isWhole ? block.text : merged(stage.read("policy.yaml") ?? "", block.text);
  const loaded = loadPolicy(Buffer.from(text), "policy.yaml");
  if (loaded.kind === "faulty") return loaded.faults.map((fault) => `${block.at}: ${formatFault(fault)}`);
  if (file !== undefined || !isWhole) stage.save(file ?? "policy.yaml", stage.placed(text));
  return [];
}

function merged(policy: string, edit: string): string {
  const document = parseDocument(policy);
  const added = parseDocument(edit);
  if (!isMap(document.contents) || !isMap(added.contents)) throw new TypeError("a policy is a map");
  mergeInto(document.contents, added.contents);
  // Whom an edit names, and what it takes for granted.
  for (const [room, key] of [
    ["workspaces", "workspace"],
    ["roles", "role"],
  ] as const) {
    for (const name of namesOf(document.toJS(), key)) {
      if (!document.hasIn([room, name])) document.setIn([room, name], document.createNode({ models: ["*"] }));
    }
  }
  return document.toString();
}

function mergeInto(map: YAMLMap, added: YAMLMap): void {
  for (const { key, value } of added.items) {
    const there = map.get(key, true);
    if (isMap(there) && isMap(value)) mergeInto(there, value);
    // Trust rules, alerts, credentials come beside those that there are; a list of names is another list.
    else if (isSeq(there) && isSeq(value) && value.items.every(isMap)) there.items.push(...value.items);
    else map.set(key, value);
  }
}

/** The roles, or workspaces, that principals have and trust rules give. */
function namesOf(
  policy: { readonly principals?: object; readonly trust?: readonly object[] },
  key: string,
): readonly string[] {
  const holders: readonly object[] = [...Object.values(policy.principals ?? {}), ...(policy.trust ?? [])];
  return holders.flatMap((holder) => {
    const given: unknown = Object.entries(holder).find(([name]) => name === key)?.[1];
    if (typeof given === "string") return [given];
    const map = typeof given === "object" && given !== null && "map" in given ? given.map : undefined;
    return typeof map === "object" && map !== null ? Object.values(map).map(String) : [];
  });
}

async function suiteFaults(block: Block, stage: Stage, keys: readonly string[]): Promise<readonly string[]> {
  const file = fileOf(block) ?? "of-the-page.test.yaml";
  stage.save(file, completeSuite(block.text, keys));
  const { code, stdout, stderr } = await stage.run(`windbreak policy test ${file}`);
  // A request alone says nothing of what must come of it.
  const isFine = code === 0 || (code === 1 && !keys.includes("cases") && keys.includes("request"));
  return isFine ? [] : [`${block.at}: windbreak policy test ends with ${code}:\n${stdout}${stderr}`];
}

function completeSuite(text: string, keys: readonly string[]): string {
  const deeper = (blanks: string) => text.replaceAll(/^(?=.)/gm, blanks);
  if (keys.includes("cases")) return text;
  if (keys.length === 0) return SUITE_HEAD + deeper("  ");
  const rest = keys.includes("request")
    ? "    expect: { decision: allow }\n"
    : `    request: ${A_REQUEST}\n    expect: { decision: allow }\n`;
  return `${SUITE_HEAD}  - name: as on the page\n${deeper("    ")}${rest}`;
}

/** Where Mistral's keys are; of a sink alone, the file that it would stand in. */
function keysFaults({ at, text }: Block, stage: Stage, keys: readonly string[]): readonly string[] {
  const workspace =
    "upstream: { dev-workspace: { workspace: 8f1c2d3e, owner: 5b2a7c90, sink: { file: /run/secrets/mistral-dev } } }";
  const sink = text.replaceAll(/^(?=.)/gm, "    ");
  const whole = keys.includes("sink")
    ? `version: 1\nmistral: { key: { env: ADMIN_KEY } }\nupstream:\n  dev-workspace:\n    workspace: 8f1c2d3e\n    owner: 5b2a7c90\n${sink}`
    : keys.includes("upstream")
      ? text
      : `${text}${workspace}\n`;
  const read = readKeys(Buffer.from(whole), "keys.yaml");
  if (read.kind === "faulty") return read.faults.map((fault) => `${at}: ${formatFault(fault)}`);
  if (!keys.includes("sink")) stage.save("keys.yaml", stage.placed(whole));
  return [];
}

async function envoyFaults(block: Block, stage: Stage): Promise<readonly string[]> {
  stage.save("of-the-page.envoy.yaml", stage.placed(block.text));
  const { code, stderr } = await stage.run("envoy-validate of-the-page.envoy.yaml");
  return code === 0 ? [] : [`${block.at}: Envoy refuses it:\n${stderr}`];
}
