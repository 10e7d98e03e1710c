import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { askUntil, inTime } from "../redis/deadlines.js";
import type { BuiltImage, ImageConfig } from "./built-image.js";

/** What a busy machine may take for a start, or for an end. */
const DEADLINE_MS = 60_000;

/** As a runtime of containers does it: mounts, a loopback and processes of its own, no root, nothing that can be written. */
const CONTAIN = `
root=$1 user=$2; shift 2
ip link set lo up
mount --bind "$root" "$root"
while [ "$1" != -- ]; do mount --bind "$1" "$root$2"; shift 2; done; shift
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -o remount,bind,ro "$root"
exec chroot --userspec="$user" --groups= "$root" "$@"
`;

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
}

/** A process of an image, as process 1 of its own namespaces. */
export class RunningImage {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #config: ImageConfig;
  readonly #end: Promise<number | null>;

  /**
   * Run an image's command, or another one of its program's.
   *
   * @param volumes paths inside, by the folder here that is mounted there. The rest cannot be written.
   */
  constructor({ root, config }: BuiltImage, volumes: Readonly<Record<string, string>>, command = config.Cmd) {
    this.#config = config;
    const bound = Object.entries(volumes).flatMap(([here, inside]) => {
      mkdirSync(join(root, inside), { recursive: true });
      return [here, inside];
    });
    const contained = ["-c", CONTAIN, "contain", root, config.User, ...bound, "--", ...config.Entrypoint, ...command];
    const namespaces = ["--mount", "--pid", "--net", "--fork", "--kill-child"];
    this.#child = spawn("unshare", [...namespaces, "/bin/sh", ...contained], {
      env: environment(config),
      stdio: ["ignore", "ignore", "pipe"],
    });
    if (this.#child.stderr) createInterface({ input: this.#child.stderr }).on("line", (line) => this.lines.push(line));
    this.#end = new Promise((resolve) => this.#child.once("close", resolve));
  }

  /** Process 1, by its number outside. */
  get pid(): number {
    const of = this.#child.pid;
    return Number(readFileSync(`/proc/${of}/task/${of}/children`, "utf8"));
  }

  /** Run a command inside beside the first, by the same user. */
  exec(command: readonly string[]): Promise<Ended> {
    const [uid = "", gid = ""] = this.#config.User.split(":");
    const into = ["--target", `${this.pid}`, "--mount", "--pid", "--net", "--root", "--setuid", uid, "--setgid", gid];
    return ended(spawn("nsenter", [...into, ...command], { env: environment(this.#config) }));
  }

  /** Run a command of the program's inside. */
  command(args: readonly string[]): Promise<Ended> {
    return this.exec([...this.#config.Entrypoint, ...args]);
  }

  /** Wait until it says so. @throws where it ends first. */
  async said(pattern: RegExp): Promise<void> {
    const lines = async () => {
      if (this.#child.exitCode !== null) throw new Error(`it ended first:\n${this.lines.join("\n")}`);
      return this.lines.join("\n");
    };
    await askUntil(DEADLINE_MS, lines, (text) => pattern.test(text));
  }

  /** Ask process 1 to end. @returns its exit code. */
  async end(): Promise<number | null> {
    process.kill(this.pid, "SIGTERM");
    return inTime(DEADLINE_MS, "the end of the image's process", this.#end);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

function environment({ Env }: ImageConfig): Record<string, string> {
  return Object.fromEntries(Env.map((one) => one.split(/=(.*)/s).slice(0, 2)));
}

function ended(child: ChildProcess): Promise<Ended> {
  let stdout = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  const end = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout }));
  });
  return inTime(DEADLINE_MS, "the end of the command", end);
}
