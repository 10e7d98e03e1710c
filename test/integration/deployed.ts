import { join } from "node:path";
import { laidOut, type Mounts } from "../support/deploy/laid-out.js";
import { type Container, objectOf, objectsIn, type Probe, windbreakIn } from "../support/deploy/objects.js";
import { askUntil } from "../support/redis/deadlines.js";
import { runToEnd, startCommand } from "./running-process.js";
import { temporaryDirectory } from "./running-service.js";

/** Where the image has the program. */
const PROGRAM = "/app/dist/main.js";
/** What a busy machine may take for a start. */
const START_MS = 15_000;

/** What a cluster would have besides the manifests: files of Secrets by the Secret's name. */
export type Secrets = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * Run the Windbreak of a rendering as its container would: its arguments and variables as they stand, but for paths, which
 * lie elsewhere, and for ports, of which any that is free is taken. Resolves once its startup probe is content.
 */
export async function startDeployed(rendering: string, secrets: Secrets = {}) {
  const objects = objectsIn(rendering);
  const { pod, container } = windbreakIn(objects);
  const mounts: Mounts = Object.fromEntries(
    container.volumeMounts.map(({ name, mountPath }) => {
      const volume = pod.volumes.find((one) => one.name === name);
      const files = volume?.configMap
        ? objectOf(objects, "ConfigMap", volume.configMap.name).data
        : secrets[volume?.secret?.secretName ?? ""];
      return [mountPath, files ?? {}];
    }),
  );
  const { moved, swap } = laidOut(temporaryDirectory(), mounts);
  const here = (text: string) => moved(text).replace(/(0\.0\.0\.0):\d+/, "$1:0");
  const env = Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, here(value)]));
  const running = startCommand(container.args.map(here), { env });
  await running.line(/counters live in/);
  const admin = (await running.line(/admin port on http:\/\/([^\s"]+)/))[1] ?? "";
  const probe = (one: Probe | undefined) => isContent(one, { moved, admin });
  await askUntil(
    START_MS,
    () => probe(container.startupProbe),
    (isThere) => isThere,
  );
  return {
    ...running,
    ...{ pod, container, moved, swap, admin, probe },
    policy: moved(objectOf(objects, "ConfigMap", "windbreak-policy").data?.["policy.yaml"] ?? ""),
    /** Where callers connect, as bound. */
    address: (await running.line(/"listening on ([^\s"]+)/)).slice(1).find(Boolean) ?? "",
  };
}

export type Deployed = Awaited<ReturnType<typeof startDeployed>>;

/** Ask what the kubelet would ask. */
async function isContent(
  probe: Probe | undefined,
  { moved, admin }: { readonly moved: (text: string) => string; readonly admin: string },
): Promise<boolean> {
  if (probe?.exec) {
    const [node, program, ...args] = probe.exec.command;
    if (node !== "node" || program !== PROGRAM) throw new Error(`the image has no ${node} ${program}`);
    return (await runToEnd(args.map(moved))).code === 0;
  }
  if (!probe?.httpGet) throw new Error("there is no probe");
  const { status } = await fetch(`http://${admin.replace("0.0.0.0", "127.0.0.1")}${probe.httpGet.path}`);
  return status >= 200 && status < 400;
}

/** A container's text with the program where it is on this machine. */
export function withProgram({ args }: Container, moved: (text: string) => string): readonly string[] {
  return args.map((arg) => moved(arg).replaceAll(PROGRAM, join(import.meta.dirname, "../../dist/main.js")));
}
