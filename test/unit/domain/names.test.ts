import { describe, expect, test } from "vitest";
import { faultInId, faultInPrincipal } from "../../../src/app/forms.js";
import { ID, MODEL_NAME, NAME } from "../../../src/domain/names.js";
import { readPolicy } from "../../../src/policy/read.js";

const ASCII = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));

describe("what things may be called", () => {
  test("is a name of letters, digits, _ and -, at most 64 of them", () => {
    expect(ASCII.filter((letter) => NAME.test(letter)).join("")).toMatch(/^-[0-9]{10}[A-Z]{26}_[a-z]{26}$/);
    expect(["x".repeat(64), "x".repeat(65), "", "é", "a\n"].map((name) => NAME.test(name))).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  test("is an id of printable ASCII but space, double quote, backslash and braces, at most 128 characters", () => {
    const refused = ASCII.filter((letter) => !ID.test(letter)).filter((letter) => letter >= " " && letter < "\u007f");
    expect(refused).toEqual([" ", '"', "\\", "{", "}"]);
    expect(ASCII.filter((letter) => letter < " " || letter === "\u007f").some((letter) => ID.test(letter))).toBe(false);
    expect([ID.test("x".repeat(128)), ID.test("x".repeat(129)), ID.test("a\n")]).toEqual([true, false, false]);
  });

  test("is for a model of the policy an id without a star", () => {
    expect(ASCII.filter((letter) => ID.test(letter) && !MODEL_NAME.test(letter))).toEqual(["*"]);
    expect(ASCII.filter((letter) => MODEL_NAME.test(letter) && !ID.test(letter))).toEqual([]);
  });

  test("is the same in a call and in the policy file", () => {
    for (const letter of ASCII) {
      const name = `x${letter}x`;
      const key = JSON.stringify(name);
      const text = `version: 1
workspaces: { ${key}: { models: ["*"] } }
roles: { r: { models: ["*"] } }
`;
      const listed = `version: 1
workspaces: { w: { models: ["*"] } }
roles: { r: { models: ["*"] } }
principals: { ${key}: { role: r, workspace: w } }
`;
      const inFile = (content: string) => readPolicy(Buffer.from(content), "p").kind === "ok";
      expect([letter, inFile(text)]).toEqual([letter, !faultInPrincipal({ id: "", role: "", workspace: name })]);
      expect([letter, inFile(listed)]).toEqual([letter, !faultInId("principal.id", name)]);
    }
  });
});
