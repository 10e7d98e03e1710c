import assert from "node:assert/strict";
import { MIMEType } from "node:util";
import { BODY_SHAPES } from "../../../src/mistral/body-shapes.js";
import { faultOf, mediaTypeOf } from "../../../src/mistral/media-type.js";
import type { MistralCall } from "../../../src/mistral/mistral-call.js";
import { type Reading, readCall } from "../../../src/mistral/read-call.js";
import { type CallRoute, routeOf } from "../../../src/mistral/route.js";
import { wavSeconds } from "../../../src/mistral/wav.js";
import { walked } from "../../unit/mistral/walked.js";
import { assertLine, isAmount, unlessThrown } from "../laws.js";
import { randomFor } from "../random.js";
import type { Target } from "../target.js";

const JSON_WORDS = [
  ...["{", "}", "[", "]", ":", ",", '"', "\\", "\\u0041", "\\ud800", "\\udc00", "\\ud83d\\ude00", "\\n", "é", "😀"],
  ...["true", "false", "null", "-0", "0.1", "1e3", "1E+400", " ", "\n", "\ufeff", "\u0000", '"a":1,', '"__proto__":1'],
];
const BODY_WORDS = [
  ...JSON_WORDS,
  ...["model", "messages", "role", "user", "tool", "content", "tool_calls", "function", "arguments", "max_tokens"],
  ...["stream", "n", "tools", "type", "image_url", "input_audio", "thinking", "document_url", "service_tier", "input"],
  ...["inputs", "instructions", "completion_args", "agent_id", "prompt", "suffix", "document", "pages", '"0-3,5"'],
];

/** Longer than what is read in one turn: what follows is read in another way. */
const PADDING = Buffer.alloc(20 * 1024, " ");

const FORMS = Object.keys(BODY_SHAPES) as (keyof typeof BODY_SHAPES)[];

function assertCall({ choices, request, model }: MistralCall): void {
  const { inputTokens, maxOutputTokens, pages, audioSeconds } = request;
  for (const amount of [inputTokens, maxOutputTokens, pages, audioSeconds]) assert.ok(isAmount(amount), `${amount}`);
  assert.ok(isAmount(choices) && choices >= 1);
  assert.notEqual(model, "");
}

function read(form: CallRoute["form"], body: Buffer, contentType = "application/json"): Promise<Reading> | Reading {
  const head = { contentType, contentEncoding: undefined, isPartial: false, contentLength: undefined };
  return readCall({ kind: "call", endpoint: "chat_completions", form }, { ...head, body });
}

/** What JSON.parse makes of bytes; undefined where they are no JSON, or no UTF-8. */
function parsed(bytes: Buffer): { readonly value: unknown } | undefined {
  return unlessThrown([SyntaxError, TypeError], () => ({
    value: JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)) as unknown,
  }));
}

/** What the walk refuses though it is JSON, on purpose. */
const STRICTER = ["nested deeper", "a key twice", "too many keys", "a key is too long", "not a JSON string"];

function textOf(form: FormData, name: string): string | undefined {
  const value = form.get(name);
  return typeof value === "string" ? value : undefined;
}

export const MISTRAL_REQUESTS: readonly Target[] = [
  {
    name: "json",
    law: "what the walk takes is JSON of the same value; what it refuses is none, or is what it says; however it is cut",
    words: JSON_WORDS,
    run(bytes) {
      const whole = walked(bytes);
      const reference = parsed(bytes);
      if (!whole.fault) assert.deepStrictEqual({ value: whole.value }, reference);
      else if (reference)
        assert.ok(
          STRICTER.some((what) => whole.fault?.what.includes(what)),
          whole.fault.what,
        );
      const random = randomFor(bytes);
      const cuts = Array.from({ length: 9 }, () => random.below(bytes.length + 1));
      const cut = walked(bytes, { cuts });
      assert.equal(cut.fault === undefined, whole.fault === undefined);
      if (!whole.fault) assert.deepStrictEqual(cut, whole);
    },
  },
  {
    name: "body",
    law: "a call that asks for what JSON.parse finds there, in amounts that can be counted; or a fault; in any slices",
    words: BODY_WORDS,
    async run(bytes) {
      const reference = parsed(bytes)?.value;
      for (const form of FORMS) {
        const reading = await read(form, bytes);
        assert.deepEqual(await read(form, bytes), reading);
        const padded = await read(form, Buffer.concat([PADDING, bytes]));
        if (reading.kind !== "call") {
          assert.equal(reading.kind, "unreadable");
          assertLine(reading.message);
          assert.equal(padded.kind, "unreadable");
          continue;
        }
        assert.deepEqual(padded, reading);
        assertCall(reading);
        const said = Object(reference) as Readonly<Record<string, unknown>>;
        assert.equal(reading.model, form === "agent" || said["model"] === undefined ? reading.model : said["model"]);
        if (form !== "ocr" && form !== "input" && form !== "chat_input") {
          assert.equal(reading.streams, (said["stream"] ?? false) === true);
        }
      }
    },
  },
  {
    name: "form",
    law: "a call, whose model is what another reader of forms finds too; or a fault",
    words: [
      ...[
        "--b",
        "--b--",
        "\r\n",
        "\r\n\r\n",
        "\n",
        'content-disposition: form-data; name="model"',
        "name*=utf-8''model",
      ],
      ...[
        '; filename="a.wav"',
        "file",
        "file_url",
        "stream",
        "true",
        "voxtral",
        "content-type: text/plain",
        ": ",
        "\t",
      ],
    ],
    async run(bytes) {
      const type = "multipart/form-data; boundary=b";
      const reading = await read("transcription", bytes, type);
      if (reading.kind !== "call") {
        assert.equal(reading.kind, "unreadable");
        return assertLine(reading.message);
      }
      assertCall(reading);
      // Where the other one refuses the form, nobody is misled.
      const response = new Response(bytes, { headers: { "content-type": type } });
      const form = await response.formData().catch(() => undefined);
      if (!form) return;
      assert.equal(reading.model, textOf(form, "model"));
      assert.equal(reading.streams, textOf(form, "stream")?.toLowerCase() === "true");
    },
  },
  {
    name: "wav",
    law: "undefined, or whole seconds, at least as many as all bytes behind the header take",
    words: ["RIFF", "WAVE", "fmt ", "data", "LIST", "\x10\x00\x00\x00", "\x01\x00\x01\x00", "\x00", "\xff"],
    run(bytes) {
      const seconds = wavSeconds(bytes);
      if (seconds === undefined) return;
      assert.ok(isAmount(seconds) && seconds >= 1);
      assert.ok(seconds * 192_000 * 8 * 4 >= bytes.length - 44 - 32 * 1024, `${seconds}`);
    },
  },
  {
    name: "head",
    law: "a route for any method and path, a media type that another reader of them finds too, for any headers",
    words: [
      ...[
        "POST ",
        "GET ",
        "/v1/",
        "chat/completions",
        "models/",
        "conversations/",
        "/restart",
        "batch",
        "?",
        "%2f",
        "//",
      ],
      ...[
        "application/json",
        "multipart/form-data",
        "; boundary=",
        "; charset=utf-8",
        '"',
        ";",
        "=",
        "\\",
        "\t",
        ",",
        "gzip",
      ],
    ],
    run(bytes) {
      const [line = "", contentType = "", contentEncoding, length = ""] = bytes.toString("latin1").split("\n");
      const [method = "", path = ""] = line.split(" ");
      const route = routeOf(method, path);
      if (route.kind === "call") assert.match(path, /^\/v1\/[a-z/]+|\/v1\/conversations\//);
      const contentLength = /^\d{1,15}$/.test(length) ? Number(length) : undefined;
      const fault = faultOf({ contentType, contentEncoding, isPartial: false, contentLength }, 10);
      if (fault) assertLine(fault.message);
      const type = mediaTypeOf(contentType);
      if (type.kind === "other") return;
      const reference = new MIMEType(contentType);
      assert.equal(reference.essence, type.kind === "json" ? "application/json" : "multipart/form-data");
      if (type.kind === "multipart") assert.equal(reference.params.get("boundary"), type.boundary);
      else assert.match(reference.params.get("charset") ?? "utf-8", /^utf-?8$/i);
    },
  },
];
