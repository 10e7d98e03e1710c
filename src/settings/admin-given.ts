import { type Address, formatAddress, isLocal } from "../transport/address.js";
import { addressesGiven, type GivenAddress, given, type Reader } from "./given.js";
import { fileGiven } from "./tls-given.js";

/** Where operators connect. */
export interface AdminGiven {
  /** undefined: nowhere. */
  readonly address: Address | undefined;
  /** A file with the token that they must show; undefined: none. */
  readonly tokenFile: string | undefined;
  /** Addresses that were asked for, none where it is the default. */
  readonly addresses: readonly GivenAddress[];
}

/** Where the admin port is when nobody says. */
export const DEFAULT_ADMIN = "127.0.0.1:9090";

/** Read `--admin` and `--admin-token-file`: without a token, only this machine may be let in. */
export function adminGiven(reader: Reader): AdminGiven {
  const asked = given(reader, "admin").at(-1);
  const tokenFile = fileGiven(reader, "admin-token-file");
  if (asked?.text === "off") return { address: undefined, tokenFile: undefined, addresses: [] };
  const addresses = addressesGiven(reader, "admin", DEFAULT_ADMIN);
  const last = addresses.at(-1);
  if (last && !tokenFile && !isLocal(last.address)) {
    reader.faults.push({
      where: `${last.where} ${formatAddress(last.address)}`,
      what: "whoever reaches this address could read every limit and release reservations",
      remedy: "listen on loopback or a Unix socket, or give --admin-token-file FILE",
    });
  }
  return { address: last?.address, tokenFile: tokenFile?.text, addresses: asked ? addresses : [] };
}
