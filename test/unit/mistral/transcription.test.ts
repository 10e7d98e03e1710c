import { describe, expect, it } from "vitest";
import { callIn, faultIn } from "./readings.js";
import { wav } from "./wav-file.js";

const BOUNDARY = "----form7MA4YWxk";
const HEAD = { contentType: `multipart/form-data; boundary=${BOUNDARY}` };
const PATH = "audio/transcriptions";

function field(name: string, value: string | Buffer, more = ""): Buffer {
  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(value), Buffer.from("\r\n")]);
}

function form(...parts: readonly Buffer[]): Buffer {
  return Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)]);
}

const MODEL = field("model", "voxtral-mini-latest");
const SOUND = field("file", wav({}), '; filename="a.wav"\r\nContent-Type: audio/wav');
const call = (...parts: readonly Buffer[]) => callIn(PATH, form(...parts), HEAD);
const fault = (...parts: readonly Buffer[]) => faultIn(PATH, form(...parts), HEAD);
const broken = (body: Buffer | string) => faultIn(PATH, Buffer.from(body), HEAD);

describe("what a transcription asks for", () => {
  it("is its model and the seconds of its sound", async () => {
    expect(await call(MODEL, SOUND)).toEqual({
      kind: "call",
      model: "voxtral-mini-latest",
      streams: false,
      choices: 1,
      request: { inputTokens: 0, maxOutputTokens: 0, pages: 0, audioSeconds: 2, annotatedPages: false },
      fillsContext: false,
      audioFillsContext: false,
      needs: new Set(),
    });
  });

  it.each([
    ["a file of another form", [field("file", "ID3...", '; filename="a.mp3"')]],
    ["an address", [field("file_url", "https://x")]],
    ["a stored file", [field("file_id", "x")]],
    ["a file and an address", [SOUND, field("file_url", "https://x")]],
    ["an empty address beside a file", [SOUND, field("file_url", "")]],
  ])("is three hours of %s", async (_, parts) => {
    expect((await call(MODEL, ...parts)).request.audioSeconds).toBe(10_800);
  });

  it("is a longer time where the sound is longer", async () => {
    const long = wav({ sampleRate: 8000, bits: 8, sound: 8000 * 100 });
    expect((await call(field("file", long), MODEL)).request.audioSeconds).toBe(100);
  });

  it.each([
    ["true", true],
    ["True", true],
    ["false", false],
  ])("streams where it says %s: %s", async (stream, streams) => {
    expect((await call(MODEL, SOUND, field("stream", stream))).streams).toBe(streams);
  });

  it("takes fields that decide nothing, also more than once", async () => {
    const more = [field("context_bias", "a"), field("context_bias", "b"), field("language", "fr")];
    expect((await call(...more, MODEL, SOUND)).model).toBe("voxtral-mini-latest");
  });

  it.each([
    ["no model", [SOUND], "400 model"],
    ["an empty model", [field("model", ""), SOUND], "400 model"],
    ["a model in another case", [field("Model", "m"), SOUND], "400 model"],
    ["two models", [MODEL, field("model", "voxtral-small-latest"), SOUND], "400 model"],
    ["a model that is a file", [field("model", "m", '; filename="m"'), SOUND], "400 model"],
    ["a model that is not UTF-8", [field("model", Buffer.from([0xff])), SOUND], "400 model"],
    ["a long model", [field("model", "m".repeat(600)), SOUND], "400 model"],
    ["no sound", [MODEL], "400 file"],
    ["two sounds", [MODEL, SOUND, SOUND], "400 file"],
    ["two addresses", [MODEL, field("file_url", "a"), field("file_url", "b")], "400 file_url"],
    ["a stream that is no switch", [MODEL, SOUND, field("stream", "1")], "400 stream"],
    ["two streams", [MODEL, SOUND, field("stream", "true"), field("stream", "false")], "400 stream"],
  ])("refuses %s", async (_, parts, expected) => {
    expect(await fault(...parts)).toBe(expected);
  });

  it("is found behind a long file, wherever its boundary falls", async () => {
    for (let short = 0; short < 80; short++) {
      const file = field("file", Buffer.alloc((1 << 18) - short));
      expect((await call(file, MODEL)).model).toBe("voxtral-mini-latest");
    }
  });

  it("is no JSON", async () => {
    expect(await faultIn(PATH, { model: "m" })).toBe("415 -");
  });

  it.each([
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/mixed; boundary=x",
    "multipart/form-data; boundary=x; boundary=y",
    'multipart/form-data; boundary="a\\"b"',
    `multipart/form-data; boundary=${"x".repeat(71)}`,
    "multipart/form-data; boundary=a b",
  ])("refuses the type %s", async (contentType) => {
    expect(await faultIn(PATH, form(MODEL, SOUND), { contentType })).toBe("415 -");
  });

  it("takes a boundary in quotes", async () => {
    const quoted = { contentType: `Multipart/Form-Data; Boundary="${BOUNDARY}"` };
    expect((await callIn(PATH, form(MODEL, SOUND), quoted)).request.audioSeconds).toBe(2);
  });
});

describe("a form that two programs might take apart differently", () => {
  const part = (head: string, content = "m") => Buffer.from(`--${BOUNDARY}\r\n${head}\r\n\r\n${content}\r\n`);

  const OTHER_MODEL = 'Content-Disposition: form-data; name="x"\r\n\r\nm';

  it.each([
    ["a preamble", Buffer.concat([Buffer.from("x\r\n"), form(MODEL, SOUND)])],
    ["an epilogue", Buffer.concat([form(MODEL, SOUND), Buffer.from("x")])],
    ["another form behind it", Buffer.concat([form(MODEL, SOUND), form(MODEL, SOUND)])],
    ["its boundary within a part", form(MODEL, field("file", `x\n--${BOUNDARY}\n`))],
    ["its boundary within a line", form(MODEL, field("file", `x--${BOUNDARY}\r\n`))],
    ["another part within a line", form(MODEL, field("file", `a song--${BOUNDARY}\r\n${OTHER_MODEL}`))],
    ["a longer boundary", form(MODEL, field("file", `x\r\n--${BOUNDARY}x`))],
    ["a boundary behind which a space stands", form(MODEL, field("file", `x\r\n--${BOUNDARY} `))],
    ["bare line feeds", form(MODEL, SOUND).toString("latin1").replaceAll("\r\n", "\n")],
    ["no headers", form(MODEL, Buffer.from(`--${BOUNDARY}\r\n\r\nx\r\n`))],
    [
      "a header twice",
      form(part('Content-Disposition: form-data; name="model"\r\nContent-Disposition: form-data; name="x"')),
    ],
    ["a folded header", form(part('Content-Disposition: form-data;\r\n name="model"'))],
    ["a header that no form has", form(part('Content-Disposition: form-data; name="model"\r\nX-Name: a'))],
    ["a header without a colon", form(part('Content-Disposition form-data; name="model"'))],
    ["a space before the colon", form(part('Content-Disposition : form-data; name="model"'))],
    ["a bare line feed in a header", form(part('Content-Disposition: form-data; name="model"\nX: y'))],
    ["a name twice", form(part('Content-Disposition: form-data; name="x"; name="model"'))],
    ["a name in another character set", form(part("Content-Disposition: form-data; name=\"x\"; name*=utf-8''model"))],
    ["a backslash in a name", form(part('Content-Disposition: form-data; name="x"; filename="a\\"; name=\\"model"'))],
    ["a name without its quote", form(part('Content-Disposition: form-data; name="model'))],
    ["no name", form(part("Content-Disposition: form-data"))],
    ["an empty name", form(part('Content-Disposition: form-data; name=""'))],
    ["an attachment", form(part('Content-Disposition: attachment; name="model"'))],
    [
      "an encoded part",
      form(part('Content-Disposition: form-data; name="model"\r\nContent-Transfer-Encoding: base64')),
    ],
    [
      "headers without an end",
      form(part(`Content-Disposition: form-data; name="model"\r\nContent-Type: ${"a".repeat(5000)}`)),
    ],
    ["too many parts", form(...Array.from({ length: 300 }, () => field("context_bias", "a")), MODEL, SOUND)],
    ["nothing", ""],
  ])("is refused: %s", async (_, body) => {
    expect(await broken(body)).toBe("400 -");
  });

  it("is refused where it is cut short anywhere", async () => {
    const whole = form(MODEL, field("file_id", "x"));
    const end = whole.length - "\r\n".length;
    for (let length = 0; length < end; length++) {
      expect(await broken(whole.subarray(0, length)), `after ${length} bytes`).toBe("400 -");
    }
    expect((await callIn(PATH, whole.subarray(0, end), HEAD)).model).toBe("voxtral-mini-latest");
  });
});
