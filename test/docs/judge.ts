import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { metricFaults } from "./known.js";
import { type Block, ROOT } from "./markdown.js";
import { markOf } from "./marks.js";
import { jsonFault, lastJson, textFault } from "./outputs.js";
import type { Ended, Stage } from "./stage.js";
import { yamlFaults } from "./yaml-blocks.js";

/** Languages that a test of their own judges, all blocks at once. */
export const ELSEWHERE: ReadonlySet<string> = new Set(["ts", "typescript"]);
const COMMANDS: ReadonlySet<string> = new Set(["sh", "bash", "shell", "console"]);
const DIAGRAMS = /^(flowchart|graph|sequenceDiagram|stateDiagram(-v2)?|classDiagram)\b/;
const PROMPT = /^\$ (.+)$/;
const RESERVATION = /\bAAAAA[\w-]{21}\b/g;

/** What a page's blocks leave to those after them. */
export interface Reading {
  readonly stage: Stage;
  /** How the last commands ended. */
  last: Ended | undefined;
}

/** Run a block as its language and its mark say. @returns what is wrong with it, one text each. */
export async function faultsOf(block: Block, reading: Reading): Promise<readonly string[]> {
  const { at, language, text } = block;
  const marked = markOf(block);
  if (marked.kind === "faulty") return [marked.fault];
  if (marked.kind === "not run") {
    // What follows commands that were not run is not the output of those before them.
    if (COMMANDS.has(language)) reading.last = undefined;
    return [];
  }
  if (marked.kind === "excerpt") return excerptFaults(block, marked.file);
  if (ELSEWHERE.has(language)) return [];
  if (marked.kind === "output" || isTheirOutput(block, reading)) {
    return outputFaults(block, reading, marked.kind === "output" ? marked.command : undefined);
  }
  switch (language === "" ? spokenIn(block) : language) {
    case "sh":
    case "bash":
    case "shell":
      return commandFaults(block, reading);
    case "console":
      return sessionFaults(block, reading);
    case "yaml":
    case "yml":
      return yamlFaults(block, reading.stage);
    case "json":
      return parseFaults(block);
    case "js":
    case "javascript":
      reading.stage.save("of-the-page.mjs", text);
      return toolFaults(block, reading, "node --check of-the-page.mjs");
    case "python":
      reading.stage.save("of-the-page.py", text);
      return toolFaults(block, reading, "python of-the-page.py");
    case "promql":
      return metricFaults(block);
    case "mermaid":
      return DIAGRAMS.test(text)
        ? []
        : [`${at}: a diagram of an unknown kind; begin with one that GitHub draws: ${DIAGRAMS.source}`];
    case "text":
      return /^(\$ |windbreak |npm |docker |kubectl )/m.test(text)
        ? [`${at}: commands in a block that is never run; name its language sh, or console where output stands beside`]
        : [];
    default:
      return [
        `${at}: ${language === "" ? "the block names no language" : `nobody runs ${language}`}; name one of sh, console, yaml, json, js, ts, python, promql, mermaid or text, or mark it "not run: run by PATH" of a test that does`,
      ];
  }
}

/** JSON, or what names no language, right after commands is what they say. */
function isTheirOutput({ follows, language }: Block, { last }: Reading): boolean {
  return follows && last !== undefined && (language === "json" || language === "");
}

/** What a block is that names no language: a session, commands of ours, or nothing that could be told. */
function spokenIn({ text }: Block): string {
  if (PROMPT.test(text.split("\n")[0] ?? "")) return "console";
  return /^(windbreak|node dist\/main\.js) /.test(text) ? "sh" : "";
}

async function commandFaults({ at, text }: Block, reading: Reading): Promise<readonly string[]> {
  if (/…/.test(text.replaceAll(/^export \w+=…$/gm, ""))) {
    return [`${at}: a command with … cannot be run; write an example in its place`];
  }
  reading.last = await run(text.replaceAll(/^(export \w+)=…$/gm, "$1=made-up-for-a-test"), reading);
  const { code, stdout, stderr } = reading.last;
  return code === 0 ? [] : [`${at}: ends with ${code}:\n${stdout}${stderr}`];
}

/** Run commands, with what was learned from those before in place of the page's examples. */
async function run(script: string, { stage }: Reading): Promise<Ended> {
  if (script.match(RESERVATION)) await learnReservation(stage, script);
  const ended = await stage.run(script);
  const issued = /([\w.-]+\.key)$/m.exec(/keys issue .*> *([\w.-]+)/.exec(script)?.[1] ?? "")?.[1];
  if (issued !== undefined) learnKey(stage, issued);
  return ended;
}

/** The reservation that a page names stands for one that is open; for a page's first such command one is made. */
async function learnReservation(stage: Stage, script: string): Promise<void> {
  const ask = "windbreak authorize --principal ci-reviewer --model codestral-latest --input-tokens 10 --json";
  const { stdout } = await stage.run(
    `windbreak reservations list --json 2>/dev/null | grep -q reservation_id && windbreak reservations list --json || ${ask}`,
  );
  const real = /"reservation_id": ?"([^"]+)"/.exec(stdout)?.[1];
  if (real === undefined) throw new Error(`no reservation is open, and none could be made: ${stdout}`);
  for (const shown of script.match(RESERVATION) ?? []) stage.replace(shown, real);
}

/** From now on the hash of a key that was issued stands where the page shows one. */
function learnKey(stage: Stage, file: string): void {
  const key = stage.read(file)?.trim() ?? "";
  stage.replace("2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", hash("sha256", key, "hex"));
}

/** A part of a file stands there line by line, but for its indentation. */
function excerptFaults({ at, text }: Block, file: string): readonly string[] {
  const plain = (code: string) => code.replaceAll(/^[ \t]+/gm, "");
  return plain(readFileSync(join(ROOT, file), "utf8")).includes(plain(text)) ? [] : [`${at}: stands not so in ${file}`];
}

/** Commands behind a prompt, each with what it says. */
async function sessionFaults({ at, text }: Block, reading: Reading): Promise<readonly string[]> {
  const faults: string[] = [];
  const steps = text.split(/^(?=\$ )/m);
  for (const step of steps) {
    const [first = "", ...shown] = step.split("\n");
    const command = PROMPT.exec(first)?.[1];
    if (command === undefined) return [`${at}: a session begins with a command behind "$ "`];
    reading.last = await run(command, reading);
    const { stdout, stderr } = reading.last;
    const fault = textFault(shown.join("\n"), stdout + stderr);
    if (fault !== undefined) faults.push(`${at}: ${command}: ${fault}`);
  }
  return faults;
}

async function outputFaults(block: Block, reading: Reading, command: string | undefined): Promise<readonly string[]> {
  const came = command === undefined ? reading.last : await run(command, reading);
  if (came === undefined) return [`${block.at}: no command stands before this output; write "output of: COMMAND"`];
  const all = `${came.stderr}\n${came.stdout}`;
  if (block.language !== "json") {
    const fault = textFault(block.text, all);
    return fault === undefined ? [] : [`${block.at}: ${fault}`];
  }
  const broken = parseFaults(block);
  if (broken.length > 0) return broken;
  if (lastJson(block.text) === undefined) return [`${block.at}: shows no JSON`];
  const fault = jsonFault(block.text, came.stdout);
  return fault === undefined ? [] : [`${block.at}: ${fault}`];
}

/** JSON as a whole, or a line each. */
function parseFaults({ at, text }: Block): readonly string[] {
  const parts = text.split("\n").every((line) => line === "" || /^\{.*\}$/.test(line))
    ? text.trim().split("\n")
    : [text];
  return parts.flatMap((part) => {
    try {
      JSON.parse(part);
      return [];
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return [`${at}: ${error.message}`];
    }
  });
}

async function toolFaults({ at }: Block, { stage }: Reading, command: string): Promise<readonly string[]> {
  const { code, stderr } = await stage.run(command);
  return code === 0 ? [] : [`${at}: ${command}:\n${stderr}`];
}
