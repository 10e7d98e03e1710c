import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { loadSync, type MethodDefinition, type Options } from "@grpc/proto-loader";

/** Where Envoy's own protos are, of about v1.31, as its xDS client for gRPC ships them: a later field is not seen. */
const DEPS = join(dirname(createRequire(import.meta.url).resolve("@grpc/grpc-js-xds/package.json")), "deps");
const FILES = ["envoy/service/auth/v3/external_auth.proto", "envoy/service/ext_proc/v3/external_processor.proto"];

export type EnvoyMethod = MethodDefinition<object, object>;

/** Load Check and Process by Envoy's own protos, with a codec that is not ours. */
export function envoyMethods(options: Options): { readonly check: EnvoyMethod; readonly process: EnvoyMethod } {
  const rooms = ["envoy-api", "xds", "googleapis", "protoc-gen-validate"];
  const protos = loadSync(FILES, { includeDirs: rooms.map((room) => join(DEPS, room)), oneofs: true, ...options });
  const method = (service: string, name: string) => {
    const found = (protos[service] as unknown as Record<string, EnvoyMethod>)[name];
    if (!found) throw new Error(`no method ${name}`);
    return found;
  };
  return {
    check: method("envoy.service.auth.v3.Authorization", "Check"),
    process: method("envoy.service.ext_proc.v3.ExternalProcessor", "Process"),
  };
}
