import type { Claims, Evidence } from "../app/identity-ports.js";
import { isClaims } from "../identity/claims.js";
import { readSmallFile } from "../keys/read-file.js";
import { readKeyFile } from "../keys/read-key.js";
import { SPIFFE_ID } from "../settings/envoy-given.js";
import type { Flags, SettingFault } from "../settings/given.js";
import { textOf } from "./context.js";

/** What a caller would prove itself by; undefined evidence: nothing was said of it. */
export type ProofRead =
  | { readonly kind: "proof"; readonly evidence: Evidence | undefined }
  | { readonly kind: "faulty"; readonly faults: readonly SettingFault[] };

const FLAGS = ["api-key-file", "claims", "spiffe"] as const;
const MOST_BYTES = 65_536;

/** Read what a caller would show. Claims are taken as they stand: no signature, no lifetime. */
export async function readProof(flags: Flags): Promise<ProofRead> {
  const given = FLAGS.filter((name) => textOf(flags, name) !== "");
  const [first] = given;
  if (first === undefined) return { kind: "proof", evidence: undefined };
  const faults: SettingFault[] = [];
  if (textOf(flags, "server") !== "") {
    const remedy = "leave out --server, or show the server a credential by --credential-file";
    faults.push({ where: `--${first}`, what: "says nothing to a server", remedy });
  }
  const apiKey = await apiKeyGiven(textOf(flags, "api-key-file"), faults);
  const claims = await claimsGiven(textOf(flags, "claims"), faults);
  const spiffeId = spiffeGiven(textOf(flags, "spiffe"), faults);
  if (faults.length > 0) return { kind: "faulty", faults };
  const evidence: Evidence = {
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(claims === undefined ? {} : { claims }),
    ...(spiffeId === undefined ? {} : { spiffeId }),
  };
  return { kind: "proof", evidence };
}

async function apiKeyGiven(file: string, faults: SettingFault[]): Promise<string | undefined> {
  if (file === "") return undefined;
  const read = await readKeyFile(file);
  if (read.kind === "key") return read.key;
  faults.push({ where: `--api-key-file ${file}`, what: read.why, remedy: "put the API key there, alone" });
  return undefined;
}

async function claimsGiven(given: string, faults: SettingFault[]): Promise<Claims | undefined> {
  if (given === "") return undefined;
  const isText = given.trimStart().startsWith("{");
  const read = isText ? undefined : await readSmallFile(given, MOST_BYTES);
  const where = isText ? "--claims" : `--claims ${given}`;
  if (read?.kind === "none") {
    faults.push({ where, what: read.why, remedy: 'write { "iss": …, "aud": …, … }, or name a file with it' });
    return undefined;
  }
  const claims = parsed(read ? read.bytes.toString("utf8") : given);
  if (isClaims(claims)) return claims;
  faults.push({ where, what: "no map in JSON", remedy: 'write { "iss": …, "aud": …, … }' });
  return undefined;
}

function spiffeGiven(id: string, faults: SettingFault[]): string | undefined {
  if (id === "" || SPIFFE_ID.test(id)) return id || undefined;
  faults.push({ where: `--spiffe ${id}`, what: "no SPIFFE id", remedy: "write spiffe://trust-domain/path" });
  return undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
