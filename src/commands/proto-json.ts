import { createFileRegistry, fromBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { readDescriptors } from "../transport/reflection.js";

/**
 * Write a message as protobuf JSON with the proto's field names, over several lines.
 *
 * Fields that hold their default are written too, 64-bit integers as text, instants by RFC 3339.
 *
 * @param typeName the message's full name.
 */
export function protoJson(typeName: string, bytes: Uint8Array): string {
  return `${JSON.stringify(protoValue(typeName, bytes), undefined, 2)}\n`;
}

/** The same as a value, to stand in a larger one. */
export function protoValue(typeName: string, bytes: Uint8Array): unknown {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readDescriptors()));
  const message = registry.getMessage(typeName);
  if (!message) throw new Error(`the descriptors do not hold ${typeName}`);
  return toJson(message, fromBinary(message, bytes), { useProtoFieldName: true, alwaysEmitImplicit: true });
}
