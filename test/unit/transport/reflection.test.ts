import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { ServerReflectionRequest } from "../../../src/gen/grpc/reflection/v1/reflection.js";
import { createReflection, readDescriptors } from "../../../src/transport/reflection.js";

const DECISIONS = "windbreak.v1.PolicyDecisionService";
const HEALTH = "grpc.health.v1.Health";

type Question = NonNullable<ServerReflectionRequest["messageRequest"]>;

function ask(question: Question | undefined, services = [DECISIONS, HEALTH]) {
  const request = ServerReflectionRequest.fromPartial({ host: "here", ...(question && { messageRequest: question }) });
  const answer = createReflection(readDescriptors(), services)(request);
  expect(answer.validHost).toBe("here");
  expect(answer.originalRequest).toEqual(request);
  return answer.messageResponse;
}

/** The names of the files in an answer, or the code of its error. */
function filesIn(answer: ReturnType<typeof ask>): readonly string[] | number | undefined {
  if (answer?.$case === "errorResponse") return answer.value.errorCode;
  if (answer?.$case !== "fileDescriptorResponse") return undefined;
  return answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);
}

const DECISION_FILE = "windbreak/v1/policy_decision.proto";
const DECISION_FILES = [DECISION_FILE, "google/protobuf/duration.proto", "google/protobuf/timestamp.proto"];

describe("reflection", () => {
  test("lists the services that are served and no others", () => {
    expect(ask({ $case: "listServices", value: "" })).toEqual({
      $case: "listServicesResponse",
      value: { service: [{ name: DECISIONS }, { name: HEALTH }] },
    });
  });

  test("answers a file with all that it imports, itself first", () => {
    const names = filesIn(ask({ $case: "fileByFilename", value: DECISION_FILE }));
    expect(names).toEqual([DECISION_FILE, expect.any(String), expect.any(String)]);
    expect(names).toEqual(expect.arrayContaining(DECISION_FILES));
  });

  test("answers an imported file too", () => {
    expect(filesIn(ask({ $case: "fileByFilename", value: "google/protobuf/duration.proto" }))).toEqual([
      "google/protobuf/duration.proto",
    ]);
  });

  test.each([
    ["a service", DECISIONS],
    ["a method", `${DECISIONS}.Authorize`],
    ["a message", "windbreak.v1.AuthorizeRequest"],
    ["a field", "windbreak.v1.AuthorizeRequest.model"],
    ["an enum", "windbreak.v1.Reason"],
    ["a value of an enum", "windbreak.v1.REASON_ALLOWED"],
  ])("finds the file of %s", (_, symbol) => {
    expect(filesIn(ask({ $case: "fileContainingSymbol", value: symbol }))).toContain(DECISION_FILE);
  });

  test.each([
    ["an enum in a message", "grpc.health.v1.HealthCheckResponse.ServingStatus"],
    ["a value of an enum in a message", "grpc.health.v1.HealthCheckResponse.NOT_SERVING"],
  ])("finds the file of %s", (_, symbol) => {
    expect(filesIn(ask({ $case: "fileContainingSymbol", value: symbol }))).toEqual(["grpc/health/v1/health.proto"]);
  });

  test.each([
    ["a file that it does not know", { $case: "fileByFilename", value: "nowhere.proto" }],
    ["a symbol that it does not know", { $case: "fileContainingSymbol", value: "windbreak.v1.Nothing" }],
    ["a package", { $case: "fileContainingSymbol", value: "windbreak.v1" }],
    [
      "a file of a service that is not served",
      { $case: "fileByFilename", value: "grpc/reflection/v1/reflection.proto" },
    ],
    ["a symbol of it", { $case: "fileContainingSymbol", value: "grpc.reflection.v1.ServerReflection" }],
    [
      "an extension",
      {
        $case: "fileContainingExtension",
        value: { containingType: "windbreak.v1.AuthorizeRequest", extensionNumber: 1 },
      },
    ],
    ["the extensions of a message that it does not know", { $case: "allExtensionNumbersOfType", value: "a.B" }],
    ["the extensions of a service", { $case: "allExtensionNumbersOfType", value: DECISIONS }],
  ] as const)("says NOT_FOUND for %s", (_, question) => {
    expect(filesIn(ask(question))).toBe(status.NOT_FOUND);
  });

  test("knows of no extension of a message that it knows", () => {
    expect(ask({ $case: "allExtensionNumbersOfType", value: "windbreak.v1.AuthorizeRequest" })).toEqual({
      $case: "allExtensionNumbersResponse",
      value: { baseTypeName: "windbreak.v1.AuthorizeRequest", extensionNumber: [] },
    });
  });

  test("says INVALID_ARGUMENT for a question that asks nothing", () => {
    expect(filesIn(ask(undefined))).toBe(status.INVALID_ARGUMENT);
  });

  test("is not made for a service that has no descriptor", () => {
    expect(() => ask(undefined, ["a.Missing"])).toThrow("the descriptors do not hold the service a.Missing");
  });
});
