import { randomBytes } from "node:crypto";
import { type Issued, issueUpstream, newKeyName } from "../app/issue-upstream.js";
import type { SecretSink } from "../app/key-ports.js";
import type { UpstreamRule } from "../domain/keys-file.js";
import { printable } from "../domain/printable.js";
import { openSink } from "../keys/sinks/open-sink.js";
import { didYouMean, suggester } from "../policy/nearest.js";
import { readKeysSettings } from "../settings.js";
import { type Context, EXIT, type Failure, fail, failUsage, failure, isGiven, textOf } from "./context.js";
import { openUpstream, type Upstream } from "./open-upstream.js";

/**
 * Make a key of Mistral's for a workspace, and put it where the workspace's readers take it from.
 *
 * With `--show` it goes to stdout alone, once, and nowhere else; without, nobody sees it.
 */
export async function issueUpstreamKey(context: Context): Promise<number> {
  const { io, flags } = context;
  const read = readKeysSettings(context);
  const workspace = textOf(flags, "workspace");
  const missing = { where: "--workspace", what: "missing", remedy: "name a workspace under upstream in the keys file" };
  const faults = [...(read.kind === "faulty" ? read.faults : []), ...(workspace === "" ? [missing] : [])];
  if (read.kind === "faulty" || faults.length > 0) return failUsage(io, faults);

  const upstream = await openUpstream(context, read.settings);
  if (upstream.kind === "told") return upstream.exitCode;
  const rule = upstream.keys.upstream.get(workspace);
  if (!rule) return fail(io, unknownWorkspace(workspace, upstream));
  const sink = isGiven(flags, "show") ? undefined : sinkOf(rule, upstream);
  const full = isGiven(flags, "yes") ? undefined : await whyNotInto(sink, workspace);
  if (full) return fail(io, full);

  const name = newKeyName(rule.name, io.now(), randomBytes);
  const issued = await issueUpstream({ provider: upstream.provider, rule, name, sink });
  return tell(context, { issued, workspace, sink });
}

function sinkOf(rule: UpstreamRule, { keys, variable }: Upstream): SecretSink {
  return openSink(rule.sink, { variable, timeoutMs: keys.admin.timeoutMs });
}

/** A key that is in use must not be lost by a slip: rotating keeps it until nobody needs it. */
async function whyNotInto(sink: SecretSink | undefined, workspace: string): Promise<Failure | undefined> {
  const read = await sink?.read();
  if (!sink || !read || read.kind === "empty") return undefined;
  const remedy = `replace it step by step by windbreak keys rotate --upstream --workspace ${workspace}, or at once by --yes`;
  const what = read.kind === "secret" ? "holds a key already" : `may hold a key already (${read.why})`;
  return failure(EXIT.usage, `${sink.place} ${what}; ${remedy}`);
}

function unknownWorkspace(workspace: string, { keys }: Upstream): Failure {
  const names = [...keys.upstream.keys()];
  const near = suggester()(workspace, names);
  const remedy = didYouMean(near, names.length > 0 ? `there are ${names.join(", ")}` : "define it there");
  return failure(EXIT.usage, `--workspace ${workspace}: the keys file has no such workspace under upstream; ${remedy}`);
}

function endOf(id: string, left: Extract<Issued, { kind: "unstored" }>["left"]): string {
  switch (left.kind) {
    case "revoked":
      return "it is revoked";
    case "kept":
      return `look there, and revoke it where it is not: windbreak keys revoke --upstream ${id}`;
    default:
      return `revoke it (${left.why})`;
  }
}

interface Outcome {
  readonly issued: Issued;
  readonly workspace: string;
  readonly sink: SecretSink | undefined;
}

function tell({ io, flags }: Context, { issued, workspace, sink }: Outcome): number {
  if (issued.kind === "unstored") {
    const { key, why, left } = issued;
    const place = sink?.place ?? "stdout";
    const isWhere = left.kind === "kept" ? "may not be in" : "is not in";
    const what = `the key ${key.id}, named ${key.name}, ${isWhere} ${place}: ${why}; ${endOf(key.id, left)}`;
    return fail(io, failure(EXIT.unreachable, what));
  }
  if (issued.kind !== "issued") {
    return fail(io, failure(issued.kind === "refused" ? EXIT.no : EXIT.unreachable, issued.why));
  }
  const { id, name, secret } = issued.key;
  const shown = sink ? { place: sink.place } : { api_key: secret };
  if (isGiven(flags, "json")) {
    io.stdout.write(`${JSON.stringify({ id, name, workspace, ...shown }, undefined, 2)}\n`);
    return EXIT.done;
  }
  if (sink) io.stdout.write(`${printable(`made key ${id}, named ${name}, and put it into ${sink.place}`)}\n`);
  else {
    io.stdout.write(`${secret}\n`);
    io.stderr.write(`${printable(`made key ${id}, named ${name}; it is shown this once`)}\n`);
  }
  return EXIT.done;
}
