import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";

/**
 * Reads `+ pid directory` and `- pid` lines. When its input ends, which the kernel sees to however the parent died,
 * it kills what is left and removes the directories. It does not listen to the terminal's Ctrl-C, which reaches the
 * whole group: it is the parent's end that counts.
 */
const WATCH = `
trap '' INT TERM HUP
cd /
left=
while read -r verb pid directory; do
  if [ "$verb" = + ]; then left="$left $pid:$directory"; continue; fi
  kept=
  for one in $left; do [ "\${one%%:*}" = "$pid" ] || kept="$kept $one"; done
  left=$kept
done
for one in $left; do kill -KILL "\${one%%:*}"; done
for one in $left; do rm -rf "\${one#*:}"; done
`;

let watch: ChildProcess | undefined;

/** Have a child killed, and its directory removed, when this process dies, by whatever it dies. */
export function dieWithUs(pid: number, directory: string): void {
  if (/\s/.test(directory)) throw new Error(`a directory with a blank in its name: ${directory}`);
  tell(`+ ${pid} ${directory}\n`);
}

/** Forget a child that has ended: its pid may soon be another's. */
export function hasDied(pid: number): void {
  tell(`- ${pid}\n`);
}

function tell(line: string): void {
  watch ??= startWatch();
  watch.stdin?.write(line);
}

/** A worker whose runner has died has nobody to work for, and does not always notice by itself. */
const LINGER_MS = 2_000;

function startWatch(): ChildProcess {
  process.once("disconnect", () => setTimeout(() => process.kill(process.pid, "SIGKILL"), LINGER_MS).unref());
  const child = spawn("/bin/sh", ["-c", WATCH], { stdio: ["pipe", "ignore", "ignore"] });
  child.unref();
  if (child.stdin instanceof Socket) child.stdin.unref();
  return child;
}
