// Cerbos, asked the nearest question that it answers: may this principal call this model with so many tokens. It
// counts nothing, so it does less than is asked of Windbreak.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { PREFIX_BYTES } from "./answers.mjs";
import { put } from "./contestants.mjs";
import { askPeer, checkSizes, PEERS, tag } from "./peer.mjs";
import { freePort, SERVER_CORE, start } from "./process.mjs";
import { framed, MODEL, PRINCIPAL } from "./question.mjs";

const PACKAGE = "@cerbos/cerbos-linux-x64";
const VERSION = "0.55.0";
const BINARY = join(PEERS, "node_modules", PACKAGE, "cerbos-linux-x64");

const CHECK_RESOURCES = "/cerbos.svc.v1.CerbosService/CheckResources";
const ACTION = "chat_completions";
const EFFECT_ALLOW = 1;

const POLICY = `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  version: default
  resource: model
  rules:
    - actions: [${ACTION}]
      effect: EFFECT_ALLOW
      roles: [${PRINCIPAL.role}]
      condition:
        match:
          all:
            of:
              - expr: request.principal.attr.workspace == "${PRINCIPAL.workspace}"
              - expr: request.resource.id in ["${MODEL}", "mistral-large-latest", "codestral-latest", "mistral-embed"]
              - expr: request.resource.attr.input_tokens + request.resource.attr.max_output_tokens <= 4000.0
`;

/**
 * Cerbos on one core, without telemetry, audit or a decision log. Installed from npm on first use.
 *
 * @param {(line: string) => void} say
 * @returns {Promise<import("./contestants.mjs").Contestant>}
 */
export async function cerbos(say) {
  if (!existsSync(BINARY)) {
    say(`installing ${PACKAGE} ${VERSION} into ${PEERS}`);
    mkdirSync(PEERS, { recursive: true });
    execFileSync("npm", ["install", "--no-save", "--prefix", PEERS, `${PACKAGE}@${VERSION}`], { stdio: "inherit" });
  }
  const policies = dirname(put("cerbos/model.yaml", POLICY));
  const httpPort = await freePort();
  return {
    name: `Cerbos ${VERSION}`,
    pacer: `Cerbos ${VERSION}`,
    streams: false,
    isSilent: false,
    path: CHECK_RESOURCES,
    bodyFile: put("check-resources.bin", framed(checkResources())),
    start: (port) =>
      start(SERVER_CORE, [BINARY, "server", "--log-level=error", ...settings(port, httpPort, policies)], {
        GOMAXPROCS: "1",
        CERBOS_NO_TELEMETRY: "1",
      }),
    check,
  };
}

/**
 * @param {number} port
 * @param {number} httpPort
 * @param {string} policies
 */
function settings(port, httpPort, policies) {
  return [
    `server.grpcListenAddr=127.0.0.1:${port}`,
    `server.httpListenAddr=127.0.0.1:${httpPort}`,
    "storage.driver=disk",
    `storage.disk.directory=${policies}`,
  ].map((setting) => `--set=${setting}`);
}

/** @type {import("./contestants.mjs").Contestant["check"]} */
async function check(target) {
  const reply = await askPeer(target, checkResources());
  assert.equal(effectIn(reply), EFFECT_ALLOW, "Cerbos allows");
  const size = reply.length + PREFIX_BYTES;
  return checkSizes(target, { least: size, most: size });
}

/** A cerbos.request.v1.CheckResourcesRequest: the fields that the question needs. */
function checkResources() {
  const writer = new BinaryWriter();
  const principal = writer.uint32(tag(3)).fork();
  principal.uint32(tag(1)).string(PRINCIPAL.id).uint32(tag(3)).string(PRINCIPAL.role);
  attribute(principal, "workspace", (value) => value.uint32(tag(3)).string(PRINCIPAL.workspace));
  principal.join();

  const entry = writer.uint32(tag(4)).fork();
  const resource = entry.uint32(tag(1)).string(ACTION).uint32(tag(2)).fork();
  resource.uint32(tag(1)).string("model").uint32(tag(3)).string(MODEL);
  attribute(resource, "input_tokens", (value) => value.uint32(tag(2, 1)).double(850));
  attribute(resource, "max_output_tokens", (value) => value.uint32(tag(2, 1)).double(512));
  resource.join();
  entry.join();
  return writer.finish();
}

/**
 * Write an entry of `attr`, field 4 of principals and resources alike: a name and a google.protobuf.Value.
 *
 * @param {BinaryWriter} writer
 * @param {string} name
 * @param {(value: BinaryWriter) => void} write
 */
function attribute(writer, name, write) {
  const value = writer.uint32(tag(4)).fork().uint32(tag(1)).string(name).uint32(tag(2)).fork();
  write(value);
  value.join().join();
}

/**
 * Read what a CheckResourcesResponse says of the one action that was asked: results, actions, the value.
 *
 * @param {Uint8Array} reply
 */
function effectIn(reply) {
  const action = bytesIn(bytesIn(reply, 2), 2);
  const reader = new BinaryReader(action);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 2) return reader.int32();
    reader.skip(wireType);
  }
  return 0;
}

/**
 * @param {Uint8Array} message
 * @param {number} wanted
 * @returns {Uint8Array} the field, which holds bytes or a message.
 */
function bytesIn(message, wanted) {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === wanted) return reader.bytes();
    reader.skip(wireType);
  }
  return new Uint8Array();
}
