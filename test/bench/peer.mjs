import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials } from "@grpc/grpc-js";
import { assertSizes, START_MS } from "./answers.mjs";
import { h2load } from "./h2load.mjs";

/** Where peers are installed: kept from run to run, outside the tree. */
export const PEERS = join(tmpdir(), "windbreak-bench-peers");

/** How often `checkSizes` asks. */
export const CHECKED_CALLS = 400;

/**
 * Ask a peer once, as soon as it listens, in bytes.
 *
 * @param {import("./contestants.mjs").Target} target
 * @param {Uint8Array} question
 * @returns {Promise<Buffer>}
 */
export async function askPeer({ port, path }, question) {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  try {
    await new Promise((resolve, reject) => {
      client.waitForReady(Date.now() + START_MS, (error) => (error ? reject(error) : resolve(undefined)));
    });
    const same = (/** @type {Buffer} */ bytes) => bytes;
    return await new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, same, same, Buffer.from(question), (error, value) =>
        error || !value ? reject(error) : resolve(value),
      );
    });
  } finally {
    client.close();
  }
}

/**
 * See that h2load gets replies of the sizes that a right one can have.
 *
 * @param {import("./contestants.mjs").Target} target
 * @param {import("./contestants.mjs").ReplyBytes} replyBytes
 */
export async function checkSizes(target, replyBytes) {
  const tally = await h2load({ ...target, connections: 4, inFlight: 4, extent: { requests: CHECKED_CALLS } });
  assertSizes(tally, replyBytes);
  return replyBytes;
}

/**
 * Write the tag of a protobuf field.
 *
 * @param {number} field
 * @param {number} [wireType] what is usual: a length and bytes.
 */
export function tag(field, wireType = 2) {
  return field * 8 + wireType;
}
