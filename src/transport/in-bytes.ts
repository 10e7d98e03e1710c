import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";

/**
 * A service with bytes in and bytes out.
 *
 * Messages are decoded in the handlers, because a decoder that throws inside grpc-js ends the call as INTERNAL.
 */
export function inBytes(service: ServiceDefinition): ServiceDefinition<UntypedServiceImplementation> {
  return Object.fromEntries(
    Object.entries(service).map(([name, method]) => [
      name,
      {
        ...method,
        requestSerialize: (bytes: Buffer) => bytes,
        requestDeserialize: (bytes: Buffer) => bytes,
        responseSerialize: (bytes: Buffer) => bytes,
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    ]),
  );
}
