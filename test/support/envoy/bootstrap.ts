import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isMap, isScalar, parseDocument, visit, type YAMLMap } from "yaml";

const SHIPPED = join(import.meta.dirname, "../../../deploy/envoy");

/** The bootstraps that are shipped. */
export type Bootstrap = "sidecar" | "gateway";

/** Where a shipped bootstrap's addresses and files are in a test: by `host:port`, and by path. */
export interface Places {
  readonly addresses: Readonly<Record<string, string>>;
  /** Also those of Unix sockets. */
  readonly files: Readonly<Record<string, string>>;
}

/**
 * Read a shipped bootstrap with every address and every path replaced, and nothing else.
 *
 * @throws Error naming an address or a path that `places` does not know, so that no test ever leaves this machine.
 */
export function movedBootstrap(name: Bootstrap, places: Places): string {
  const document = parseDocument(readFileSync(join(SHIPPED, `${name}.yaml`), "utf8"));
  visit(document, {
    Pair(_, { key, value }) {
      if (!isScalar(key)) return;
      if (key.value === "socket_address" && isMap(value)) moveAddress(value, places);
      if ((key.value === "filename" || key.value === "path") && isScalar(value) && typeof value.value === "string") {
        value.value = known(places.files, value.value);
      }
    },
  });
  return document.toString();
}

function moveAddress(address: YAMLMap, { addresses }: Places): void {
  const moved = known(addresses, `${address.get("address")}:${address.get("port_value")}`);
  const [host = "", port = ""] = moved.split(":");
  address.set("address", host);
  address.set("port_value", Number(port));
}

function known(places: Readonly<Record<string, string>>, what: string): string {
  const place = places[what];
  if (place === undefined) throw new Error(`the test does not say where ${what} is`);
  return place;
}
