import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ENVOY_VERSIONS, pathOf } from "../support/envoy/at-hand.js";
import { ROOT } from "./markdown.js";

const MAIN = join(ROOT, "dist/main.js");

/**
 * Start a server and come back once it says that it serves: on a page the next block is for another terminal. One of
 * its name that runs already makes place. A killed process may stay a zombie where nobody reaps it.
 */
const BEGIN = `
begin() {
  local name=$1 ready=$2
  shift 2
  if [ -e "$STAGE/.$name.pid" ]; then
    local old=$(cat "$STAGE/.$name.pid")
    kill -KILL "$old" 2>/dev/null || true
    while [ -e "/proc/$old" ] && ! grep -q '^State:.*Z' "/proc/$old/status" 2>/dev/null; do sleep 0.02; done
  fi
  : >"$STAGE/$name.out"
  : >"$STAGE/$name.err"
  "$@" >>"$STAGE/$name.out" 2>>"$STAGE/$name.err" </dev/null &
  local pid=$!
  echo "$pid" >"$STAGE/.$name.pid"
  echo "$pid" >>"$STAGE/.pids"
  until grep -q "$ready" "$STAGE/$name.out" "$STAGE/$name.err"; do
    kill -0 "$pid" 2>/dev/null || { cat "$STAGE/$name.err" >&2; exit 1; }
    sleep 0.02
  done
  cat "$STAGE/$name.err" >&2
}
`;

/** Programs that would change this machine, or need what no test starts, and the mark of a block that names one. */
const OUT_OF_REACH: Readonly<Record<string, string>> = {
  npm: "installs or tests the whole project, as .ci/run does",
  docker: "needs a Docker engine",
  podman: "needs a Docker engine",
  kubectl: "needs a Kubernetes cluster",
  helm: "needs a Kubernetes cluster",
  kind: "needs a Kubernetes cluster",
  "apt-get": "asks for an administrator's password",
  pip: "run by PATH, of the test that installs it",
  go: "run by PATH, of the test that builds it",
  mvn: "run by PATH, of the test that builds it",
  protoc: "needs protoc",
};

const SHIMS: Readonly<Record<string, () => string>> = {
  windbreak: () => `
if [ "\${1-}" != serve ]; then exec "${process.execPath}" "${MAIN}" "$@"; fi
begin windbreak "counters live in" "${process.execPath}" "${MAIN}" "$@"
`,
  // As the README runs it from the repository.
  node: () => `
if [ "\${1-}" != dist/main.js ]; then exec "${process.execPath}" "$@"; fi
shift
exec windbreak "$@"
`,
  envoy: () => {
    const version = ENVOY_VERSIONS.at(-1) ?? "";
    return `begin envoy "starting workers" "${pathOf({ kind: "envoy", version })}" "$@" --disable-hot-restart --concurrency 1\n`;
  },
  "envoy-validate": () => {
    const version = ENVOY_VERSIONS.at(-1) ?? "";
    return `exec "${pathOf({ kind: "envoy", version })}" --mode validate --config-path "$1"\n`;
  },
  // Mistral's own client is in a place of its own; other programs are only read.
  python: () => `
if grep -q "import Mistral" "$1"; then exec "${pathOf({ kind: "mistralai" })}" "$1"; fi
exec python3 -m py_compile "$1"
`,
  // Everything that a page makes for root is made in the stage.
  sudo: () => `exec "$@"\n`,
  ...Object.fromEntries(
    Object.entries(OUT_OF_REACH).map(([name, reason]) => {
      const sentence = `${name} is not run in a page; mark the block, as "not run: ${reason}"`;
      return [name, () => `cat >&2 <<"END"\n${sentence}\nEND\nexit 1\n`];
    }),
  ),
};

/** Write the programs that stand before those of the machine. */
export function writeShims(directory: string): void {
  mkdirSync(directory);
  for (const [name, body] of Object.entries(SHIMS)) {
    writeFileSync(join(directory, name), `#!/usr/bin/env bash\nset -eu\n${BEGIN}${body()}`, { mode: 0o755 });
  }
}
