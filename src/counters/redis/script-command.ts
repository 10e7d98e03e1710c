import { Command } from "ioredis";

const LINE_END = 2;
const CR = 13;
const LF = 10;

/**
 * A call of a script whose keys and arguments are written into one buffer at once.
 *
 * The library writes each argument by itself, which takes three times as long: a call that many decisions share has some
 * two hundred.
 */
export class ScriptCommand extends Command {
  readonly #bytes: Buffer;

  /** @param script its text for `eval`, its name for the others; ASCII, as keys and texts among the arguments are. */
  constructor(
    name: "eval" | "evalsha" | "fcall",
    script: string,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
  ) {
    // These are what a cluster finds the slot by.
    super(name, [script, String(keys.length), ...keys], { replyEncoding: null });
    this.#bytes = encode([name, script, String(keys.length), ...keys, ...args]);
  }

  override toWritable(): Buffer {
    return this.#bytes;
  }
}

/** Write an array of strings in the protocol of Redis. */
function encode(parts: readonly (string | Buffer)[]): Buffer {
  const head = `*${parts.length}\r\n`;
  const size = parts.reduce((sum, { length }) => sum + `$${length}\r\n`.length + length + LINE_END, head.length);
  const bytes = Buffer.allocUnsafe(size);
  let at = bytes.write(head, 0, "latin1");
  for (const part of parts) {
    if (typeof part === "string") {
      at += bytes.write(`$${part.length}\r\n${part}\r\n`, at, "latin1");
    } else {
      at += bytes.write(`$${part.length}\r\n`, at, "latin1");
      at += part.copy(bytes, at);
      bytes[at++] = CR;
      bytes[at++] = LF;
    }
  }
  return bytes;
}
