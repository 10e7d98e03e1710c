import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_DEPTH } from "../../../src/mistral/json-walk.js";
import { walked } from "./walked.js";

const faultOf = (document: string | Buffer) => walked(Buffer.from(document)).fault?.what;

/** A JSON value without the key that an object literal would take for its prototype. */
const anyValue = fc.jsonValue({ maxDepth: 6, stringUnit: "binary" });

describe("a walk through a document", () => {
  it("tells the document that stands there, however it is cut", () => {
    fc.assert(
      fc.property(anyValue, fc.nat(3), fc.array(fc.nat(200)), (value, indent, cuts) => {
        const text = JSON.stringify(value, undefined, indent);
        const { fault, value: told } = walked(Buffer.from(text), { cuts, uniqueKeys: false });
        expect(fault).toBeUndefined();
        expect(told).toEqual(JSON.parse(text));
      }),
    );
  });

  it("tells the same one byte at a time", () => {
    const text = ' {"a\\u0062é" : [1, -0.5e+10, "\\ud83d\\ude00 \\n é", true, false, null, {}, []], "z": 0 } ';
    const document = Buffer.from(text);
    const { fault, value } = walked(document, { cuts: [...document.keys()] });
    expect(fault).toBeUndefined();
    expect(value).toEqual(JSON.parse(text));
  });

  it("says where each token stands and how many bytes its text has", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "binary" })),
        fc.boolean(),
        fc.array(fc.nat(100)),
        (texts, ascii, cuts) => {
          const written = texts.map((text) => (ascii ? escaped(text) : JSON.stringify(text)));
          const { spans } = walked(Buffer.from(`[${written.join(" , ")}]`), { cuts });
          expect(spans).toEqual(
            texts.map((text, nth) => ({
              text,
              raw: written[nth],
              textBytes: Buffer.byteLength(text),
              quotedBytes: Buffer.byteLength(JSON.stringify(text)) - 2,
            })),
          );
        },
      ),
    );
  });

  it("reads escapes of every kind", () => {
    expect(walked(Buffer.from(String.raw`"\"\\\/\b\f\n\r\t\u0041\u00E9\u20ac\uD83D\uDE00"`)).value).toBe(
      '"\\/\b\f\n\r\tAé€😀',
    );
  });

  it.each(["0", "-0", "10", "1.5", "-1.25e10", "1E+2", "1e-2", "0.0", "9007199254740993"])(
    "takes %s for a number",
    (text) => {
      expect(walked(Buffer.from(text)).spans.map((span) => span.text)).toEqual([text]);
    },
  );

  it.each(["01", "+1", ".5", "1.", "1e", "1e+", "-", "--1", "0x10", "Infinity", "NaN", "1_000", "-a", "1.e1", "1.5.5"])(
    "takes %s for no number",
    (text) => {
      expect(faultOf(text)).toBeDefined();
      expect(faultOf(`[${text}]`)).toBeDefined();
    },
  );

  it.each([
    ["nothing", ""],
    ["white space only", " \n"],
    ["a trailing comma in an object", '{"a":1,}'],
    ["a trailing comma in an array", "[1,]"],
    ["a missing comma", "[1 2]"],
    ["a missing colon", '{"a" 1}'],
    ["two commas", "[1,,2]"],
    ["a comma first", "[,1]"],
    ["a key that is no string", "{1:2}"],
    ["a key alone", '{"a"}'],
    ["single quotes", "{'a':1}"],
    ["a bare key", "{a:1}"],
    ["a line comment", '{"a":1} // x'],
    ["a block comment", '{/* x */"a":1}'],
    ["a bracket that closes a brace", '{"a":1]'],
    ["a brace that closes a bracket", "[1}"],
    ["a close without an open", "]"],
    ["two documents", "{} {}"],
    ["a word in capitals", "True"],
    ["half a word", "[nul]"],
    ["a longer word", "[nulll]"],
    ["undefined", "undefined"],
    ["a NUL after the end", "{}\u0000"],
    ["a NUL in a string", '"\u0000"'],
    ["a line break in a string", '"a\nb"'],
    ["a form feed between tokens", "[1,\f2]"],
    ["a no-break space between tokens", "[1,\u00a02]"],
    ["a byte order mark", "\ufeff{}"],
    ["an unknown escape", String.raw`"\x41"`],
    ["a short hex escape", String.raw`"\u12"`],
    ["a hex escape with another digit", String.raw`"\u12g4"`],
    ["a lone high surrogate", String.raw`"\ud800"`],
    ["a lone high surrogate before text", String.raw`"\ud800a"`],
    ["a lone high surrogate before an escape", String.raw`"\ud800\n"`],
    ["a lone low surrogate", String.raw`"\udc00"`],
    ["two halves with text between", String.raw`"\ud800a\udc00"`],
    ["two high surrogates", String.raw`"\ud800\ud800\udc00"`],
  ])("refuses %s", (_, text) => {
    expect(faultOf(text)).toBeDefined();
    expect(walked(Buffer.from(text), { cuts: [...Buffer.from(text).keys()] }).fault).toBeDefined();
  });

  it.each([
    ["a stray continuation byte", [0x80]],
    ["a lead byte alone", [0xc3]],
    ["an overlong slash", [0xc0, 0xaf]],
    ["an overlong euro", [0xf0, 0x82, 0x82, 0xac]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
    ["a code point above the last", [0xf4, 0x90, 0x80, 0x80]],
    ["a byte that UTF-8 never has", [0xff]],
    ["Latin-1", [0xe9, 0x20]],
  ])("refuses %s in a string, however it is cut", (_, bytes) => {
    const document = Buffer.concat([Buffer.from('{"a":"é'), Buffer.from(bytes), Buffer.from('"}')]);
    expect(faultOf(document)).toBe("not UTF-8");
    for (const cut of document.keys()) expect(walked(document, { cuts: [cut] }).fault?.what).toBe("not UTF-8");
    expect(walked(document, { cuts: [...document.keys()] }).fault?.what).toBe("not UTF-8");
  });

  it("refuses a document that ends within a character", () => {
    expect(faultOf(Buffer.from([0x22, 0xe2, 0x82]))).toBe("not UTF-8");
  });

  it("refuses a document that is cut short anywhere", () => {
    const document = Buffer.from('{"a":[1,{"é":"\\u00e9\\n"},true,null],"b":-1.5e3}');
    for (let length = 0; length < document.length; length++) {
      expect(walked(document.subarray(0, length)).fault, `after ${length} bytes`).toBeDefined();
    }
    expect(walked(document).fault).toBeUndefined();
  });

  it("takes the deepest nesting that is allowed and refuses one more", () => {
    const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
    expect(faultOf(nested(MAX_DEPTH))).toBeUndefined();
    expect(faultOf(nested(MAX_DEPTH + 1))).toBe("nested deeper than 64");
    expect(faultOf("[".repeat(1_000_000))).toBe("nested deeper than 64");
    expect(faultOf('{"a":'.repeat(100))).toBe("nested deeper than 64");
  });

  it("takes a long key and refuses an endless one", () => {
    const keyed = (length: number) => `{"${"k".repeat(length)}":1}`;
    expect(faultOf(keyed(65_534))).toBeUndefined();
    expect(faultOf(keyed(65_535))).toBe("a key is too long");
  });

  it("goes on refusing after a fault", () => {
    const { fault } = walked(Buffer.from('[}{"a":1}'), { cuts: [2] });
    expect(fault).toEqual({ kind: "json_fault", what: "not JSON", at: 1 });
  });

  it("throws for no bytes at all", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.array(fc.nat(40)), (bytes, cuts) => {
        const { fault } = walked(Buffer.from(bytes), { cuts });
        expect(fault === undefined || fault.kind === "json_fault").toBe(true);
      }),
    );
  });

  it("refuses what JSON.parse refuses, and takes what it takes", () => {
    const pieces = fc.constantFrom(...'{}[]:,"\\u0e1-+. \n', "true", "null", '"a"', '"b":', "12");
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const text = parts.join("");
        expect(walked(Buffer.from(text), { uniqueKeys: false }).fault === undefined).toBe(parses(text));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("keys that must be unique", () => {
  it.each([
    ["plainly", '{"model":"a","model":"b"}'],
    ["by an escape", String.raw`{"model":"a","mod\u0065l":"b"}`],
    ["by an escaped slash", String.raw`{"a/b":1,"a\/b":2}`],
    ["deep inside", '[{"a":[{"x":1,"y":{},"x":2}]}]'],
    ["in a large object", `{${Array.from({ length: 50 }, (_, nth) => `"k${nth}":0`).join()},"k0":0}`],
    ["as empty keys", '{"":1,"":2}'],
    ["as the prototype's key", '{"__proto__":1,"__proto__":2}'],
  ])("are refused when they come twice %s", (_, text) => {
    expect(faultOf(text)).toBe("an object has a key twice");
  });

  it.each(['{"a":{"a":1}}', '[{"a":1},{"a":2}]', '{"a":1,"A":2}', '{"a":{"b":1},"b":{"b":2}}', '{"a":"a"}'])(
    "may come once in each object: %s",
    (text) => {
      expect(faultOf(text)).toBeUndefined();
    },
  );

  it("are known again after a smaller object that was inside", () => {
    const many = Array.from({ length: 20 }, (_, nth) => `"k${nth}":{"k${nth}":0}`).join();
    expect(faultOf(`{${many}}`)).toBeUndefined();
    expect(faultOf(`{${many},"k3":0}`)).toBe("an object has a key twice");
  });

  it("may be many, not endlessly many", () => {
    const keyed = (many: number) => `{${Array.from({ length: many }, (_, nth) => `"k${nth}":0`).join()}}`;
    expect(faultOf(keyed(10_000))).toBeUndefined();
    expect(faultOf(keyed(10_001))).toBe("an object has too many keys");
    expect(walked(Buffer.from(keyed(10_001)), { uniqueKeys: false }).fault).toBeUndefined();
  });

  it("are not asked for where they need not be", () => {
    expect(walked(Buffer.from('{"a":1,"a":2}'), { uniqueKeys: false }).value).toEqual({ a: 2 });
  });
});

/** A text as a JSON string of ASCII only. */
function escaped(text: string): string {
  return `"${[...Array(text.length).keys()]
    .map((at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`)
    .join("")}"`;
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
