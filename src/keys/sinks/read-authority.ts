import { readSmallFile } from "../read-file.js";

const MOST_BYTES = 1024 * 1024;

/** Read the authorities that a server's certificate is held against, as PEM, as they are now. */
export async function readAuthority(path: string): Promise<{ readonly ca: Buffer } | { readonly why: string }> {
  const read = await readSmallFile(path, MOST_BYTES);
  return read.kind === "bytes" ? { ca: read.bytes } : { why: read.why };
}
