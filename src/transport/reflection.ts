import { readFileSync } from "node:fs";
import {
  createFileRegistry,
  type DescEnum,
  type DescExtension,
  type DescFile,
  type DescMessage,
  type DescService,
  type FileRegistry,
  fromBinary,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { status } from "@grpc/grpc-js";
import type {
  ServerReflectionRequest,
  ServerReflectionResponse,
  ServerReflectionServer,
} from "../gen/grpc/reflection/v1/reflection.js";
import { type Draining, endWhenDraining } from "./draining.js";

/** Answers one question of a reflection client. */
type Reflection = (request: ServerReflectionRequest) => ServerReflectionResponse;

/** Read the descriptors of every proto that this program was built with, as a serialized FileDescriptorSet. */
export function readDescriptors(): Uint8Array {
  return readFileSync(new URL("../gen/descriptors.binpb", import.meta.url));
}

/**
 * Describe services, and the files that they need, to clients that bring no protos.
 *
 * A file is answered with everything that it imports, directly or not, so that a client need not ask again.
 *
 * @param descriptors a serialized FileDescriptorSet that holds the imports of its files.
 * @param services full names of what the server serves; of the rest nothing is told.
 * @throws Error for a service that the descriptors do not hold.
 */
export function createReflection(descriptors: Uint8Array, services: readonly string[]): Reflection {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
  const files = filesOf(registry, services);
  const byName = new Map(files.map((file) => [file.proto.name, file]));
  const bySymbol = indexSymbols(registry, new Set(files));
  const bytes = new Map(files.map((file) => [file, Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto))]));

  return (request) => ({
    validHost: request.host,
    originalRequest: request,
    messageResponse: answer(request.messageRequest),
  });

  function answer(question: ServerReflectionRequest["messageRequest"]): Answer {
    switch (question?.$case) {
      case "listServices":
        return { $case: "listServicesResponse", value: { service: services.map((name) => ({ name })) } };
      case "fileByFilename":
        return answerFile(byName.get(question.value), "no such file");
      case "fileContainingSymbol":
        return answerFile(bySymbol.get(question.value), "no such symbol");
      case "allExtensionNumbersOfType":
        if (registry.getMessage(question.value) === undefined || !bySymbol.has(question.value)) {
          return refuse(status.NOT_FOUND, "no such message");
        }
        return {
          $case: "allExtensionNumbersResponse",
          value: { baseTypeName: question.value, extensionNumber: [] },
        };
      case "fileContainingExtension":
        return refuse(status.NOT_FOUND, "no such extension");
      case undefined:
        return refuse(status.INVALID_ARGUMENT, "message_request is missing");
    }
  }

  function answerFile(file: DescFile | undefined, otherwise: string): Answer {
    if (!file) return refuse(status.NOT_FOUND, otherwise);
    const fileDescriptorProto = closureOf([file]).flatMap((each) => bytes.get(each) ?? []);
    return { $case: "fileDescriptorResponse", value: { fileDescriptorProto } };
  }
}

/** Serve a reflection, for `Server.addService`. A stream lives until its client ends it or the server drains. */
export function reflectionHandlers(reflect: Reflection, draining: Draining): ServerReflectionServer {
  return {
    serverReflectionInfo: (call) => {
      endWhenDraining(call, draining);
      call.on("data", (request: ServerReflectionRequest) => {
        if (call.writable && !call.write(reflect(request))) {
          // A client that asks without reading must not fill the memory.
          call.pause();
          call.once("drain", () => call.resume());
        }
      });
      call.once("end", () => call.end());
    },
  };
}

type Type = DescEnum | DescExtension | DescMessage | DescService;
type Answer = NonNullable<ServerReflectionResponse["messageResponse"]>;

function refuse(errorCode: status, errorMessage: string): Answer {
  return { $case: "errorResponse", value: { errorCode, errorMessage } };
}

function filesOf(registry: FileRegistry, services: readonly string[]): readonly DescFile[] {
  const own = services.map((name) => {
    const service = registry.getService(name);
    if (!service) throw new Error(`the descriptors do not hold the service ${name}`);
    return service.file;
  });
  return closureOf(own);
}

/** The files and all that they import, each once, the files themselves first. */
function closureOf(files: readonly DescFile[]): readonly DescFile[] {
  const found = new Set(files);
  // A set's iteration reaches what is added on the way.
  for (const file of found) for (const dependency of file.dependencies) found.add(dependency);
  return [...found];
}

/** Every full name that a client may ask for, as protobuf forms it: a value of an enum is named beside the enum. */
function indexSymbols(registry: FileRegistry, files: ReadonlySet<DescFile>): ReadonlyMap<string, DescFile> {
  const symbols = new Map<string, DescFile>();
  for (const type of registry) {
    if (!files.has(type.file)) continue;
    symbols.set(type.typeName, type.file);
    for (const name of membersOf(type)) symbols.set(name, type.file);
  }
  return symbols;
}

function membersOf(type: Type): readonly string[] {
  switch (type.kind) {
    case "message":
      return [...type.fields, ...type.oneofs].map(({ name }) => `${type.typeName}.${name}`);
    case "enum":
      return type.values.map(({ name }) => type.typeName.replace(/[^.]*$/, name));
    case "service":
      return type.methods.map(({ name }) => `${type.typeName}.${name}`);
    case "extension":
      return [];
  }
}
