import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { homeOf, pythonHome, ROOT } from "./tools.js";

const run = promisify(execFile);

/** A program of a client's, ready to run. */
export interface Program {
  readonly command: readonly [file: string, ...args: readonly string[]];
  readonly env: Readonly<Record<string, string>>;
  /** Take away what was built for it alone. */
  readonly discard: () => void;
}

/** Generate Python's code as docs/clients.md does. @param script a file of test/clients/python. */
export async function buildPython(script: string): Promise<Program> {
  const room = mkdtempSync(join(tmpdir(), "client-python-"));
  const python = join(pythonHome(), "bin/python");
  const outputs = [`--python_out=${room}`, `--grpc_python_out=${room}`];
  await run(python, ["-m", "grpc_tools.protoc", "-Iproto", ...outputs, "windbreak/v1/policy_decision.proto"], {
    cwd: ROOT,
  });
  return {
    command: [python, join(homeOf("python"), script)],
    env: { PYTHONPATH: room, PYTHONDONTWRITEBYTECODE: "1" },
    discard: () => rmSync(room, { recursive: true }),
  };
}

/** Generate Go's code as docs/clients.md does, and build the program. */
export async function buildGo(): Promise<Program> {
  const room = mkdtempSync(join(tmpdir(), "client-go-"));
  const template = ["--template", "test/clients/go/buf.gen.yaml", "--path", "proto/windbreak"];
  await run(join(ROOT, "node_modules/.bin/buf"), ["generate", ...template], { cwd: ROOT });
  const binary = join(room, "client");
  await run("go", ["build", "-o", binary, "."], { cwd: homeOf("go") });
  return { command: [binary], env: {}, discard: () => rmSync(room, { recursive: true }) };
}

/** Generate Java's code and build the program, by Maven; into test/clients/java/target. */
export async function buildJava(): Promise<Program> {
  const home = homeOf("java");
  await run("mvn", ["-q", "-B", "package"], { cwd: home });
  const classes = [join(home, "target/classes"), join(home, "target/lib/*")].join(":");
  return { command: ["java", "-cp", classes, "example.Main"], env: {}, discard: () => {} };
}

/** Run it to its end. @returns the JSON lines that it printed. @throws Error with its stderr where it fails. */
export async function linesOf(program: Program, env: Readonly<Record<string, string>>): Promise<readonly unknown[]> {
  const [file, ...args] = program.command;
  const { stdout } = await run(file, args, { env: { ...process.env, ...program.env, ...env } });
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line): unknown => JSON.parse(line));
}
