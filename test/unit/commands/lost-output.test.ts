import { expect, test } from "vitest";
import { lostOutput } from "../../../src/commands/lost-output.js";

test("a reader who stopped reading loses nothing", () => {
  expect(lostOutput({ code: "EPIPE" })).toBeUndefined();
});

test("any other fault of stdout is told, with exit code 3", () => {
  const line = "stdout: cannot be written to (ENOSPC); make room there, or write elsewhere";
  expect(lostOutput({ code: "ENOSPC" })).toMatchObject({ exitCode: 3, line });
  expect(lostOutput({})).toMatchObject({ exitCode: 3, line: line.replace("ENOSPC", "no reason given") });
});
