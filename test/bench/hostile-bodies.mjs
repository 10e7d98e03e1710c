import { AMOUNTS, MODEL } from "./question.mjs";

/**
 * `status`: what its client is answered; 200: the call goes on.
 *
 * @typedef {{ what: string, body: string, status: number, path?: string, contentType?: string }} HostileBody
 */

const BYTES = 1_000_000;
const BOUNDARY = "b";
/** Of one object. */
const MOST_KEYS = 10_000;

/** Bodies of a megabyte, each of which makes another part of their reading as slow as it gets. @type {readonly HostileBody[]} */
export const HOSTILE_BODIES = [
  { what: "one text", body: chat(`"${filled("x")}"`), status: 422 },
  { what: "one text, every character escaped", body: chat(`"${filled("\\u00e9")}"`), status: 422 },
  { what: "one key, every character escaped", body: besides(`"${filled("\\u00e9")}":0`), status: 400 },
  { what: "keys, all different", body: besides(`"x":[${manyKeys()}]`), status: 422 },
  { what: "numbers with exponents", body: besides(`"x":[${filled("1e9,")}0]`), status: 422 },
  { what: "arrays, nested and empty", body: besides(`"x":[${filled("[[[[[[]]]]]],")}0]`), status: 422 },
  { what: "messages, each of one letter", body: messages(), status: 422 },
  { what: "white space", body: `${filled(" ")}${chat('"x"')}`, status: 200 },
  form("a form whose file is all but boundaries", file(filled("\r\n--a")), 403),
  form(
    "a form of very many fields",
    numbered((nth) => field(`f${nth.toString(36)}`, "x"), ""),
    400,
  ),
];

/** @param {string} piece */
function filled(piece) {
  return piece.repeat(BYTES / piece.length);
}

/**
 * @param {(nth: number) => string} piece
 * @param {string} separator
 */
function numbered(piece, separator = ",") {
  const pieces = [];
  for (let nth = 0, bytes = 0; bytes < BYTES; nth++) {
    const next = piece(nth);
    pieces.push(next);
    bytes += next.length + separator.length;
  }
  return pieces.join(separator);
}

/** Objects of as many keys as one may have. */
function manyKeys() {
  return numbered((nth) => `"k${nth.toString(36)}":0${nth % MOST_KEYS === MOST_KEYS - 1 ? "},{" : ""}`)
    .replaceAll("},{,", "},{")
    .replace(/^/, "{")
    .replace(/(?:\},\{)?$/, "}");
}

/** @param {string} content JSON. */
function chat(content, members = "") {
  const message = `{"role":"user","content":${content}}`;
  return `{"model":"${MODEL}","max_tokens":${AMOUNTS.maxOutputTokens},"messages":[${message}]${members}}`;
}

/** @param {string} members */
function besides(members) {
  return chat('"x"', `,${members}`);
}

function messages() {
  const one = '{"role":"user","content":"x"}';
  return `{"model":"${MODEL}","max_tokens":1,"messages":[${filled(`${one},`)}${one}]}`;
}

/**
 * @param {string} what
 * @param {string} fields
 * @param {number} status
 * @returns {HostileBody}
 */
function form(what, fields, status) {
  const body = `${field("model", "voxtral-mini-latest")}${fields}--${BOUNDARY}--\r\n`;
  const contentType = `multipart/form-data; boundary=${BOUNDARY}`;
  return { what, body, contentType, path: "/v1/audio/transcriptions", status };
}

/**
 * @param {string} name
 * @param {string} content
 */
function field(name, content) {
  return `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${content}\r\n`;
}

/** @param {string} content */
function file(content) {
  const head = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\n`;
  return `${head}${content}\r\n`;
}
