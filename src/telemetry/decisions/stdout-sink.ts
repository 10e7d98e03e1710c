import { fstatSync, write } from "node:fs";
import type { Writable } from "node:stream";
import { promisify } from "node:util";
import type { ByteSink } from "./line-outlet.js";

const STDOUT = 1;

const writeTo = promisify(write);

/**
 * Write to this process's stdout, and never wait for its reader in the event loop.
 *
 * Node writes to pipes and sockets in the background, but to files at once: those are written to past its stream.
 *
 * @param stream process.stdout. Somebody must listen to its errors: they are told to whoever writes besides.
 */
export function stdoutSink(stream: Writable): ByteSink {
  const there = fstatSync(STDOUT);
  const isStream = there.isFIFO() || there.isSocket();
  return {
    prepare: async () => "same",
    write: isStream ? (bytes, from) => writeToStream(stream, bytes, from) : writeToFile,
    close: async () => undefined,
  };
}

async function writeToFile(bytes: Buffer, from: number): Promise<number> {
  const { bytesWritten } = await writeTo(STDOUT, bytes, from);
  if (bytesWritten === 0) throw new Error("nothing could be written");
  return bytesWritten;
}

function writeToStream(stream: Writable, bytes: Buffer, from: number): Promise<number> {
  return new Promise((resolve, reject) => {
    stream.write(bytes.subarray(from), (error) => {
      if (error) reject(error);
      else resolve(bytes.length - from);
    });
  });
}
