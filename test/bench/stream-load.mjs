// A process of its own: asks on some streams without a pause, and says on stdout how that went.
import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { built } from "./built.mjs";
import { cpuMicroseconds } from "./process.mjs";
import { streamQuestion } from "./question.mjs";
import { QuestionStream } from "./question-stream.mjs";
import { quantile } from "./statistics.mjs";

/** @type {typeof import("../../src/gen/windbreak/v1/policy_decision.js")} */
const { AuthorizeStreamResponse } = await built("gen/windbreak/v1/policy_decision.js");

/**
 * @typedef {{ port: number, path: string, serverPid: number, connections: number, inFlight: number, warmMs: number, measureMs: number }} Task
 * @typedef {{ perSecond: number, p50Us: number, p99Us: number, cpuUs: number, driverBusy: number, answered: number }} Outcome
 */

/** @type {Task} */
const task = JSON.parse(process.argv[2] ?? "{}");

const DRAIN_MS = 5_000;
/** One answer of so many is decoded in full. */
const SAMPLE = 256;
/** A power of two, above all questions that may be open at once. */
const SLOTS = 4096;

// Each question has an id of a UUID's form and length: the run's own beginning, and the question's number.
const DIGITS = 12;
const ID_START = `${randomBytes(4).toString("hex")}-0000-4000-8000-`;
const TEMPLATE = streamQuestion(ID_START + "0".repeat(DIGITS));
/** In a question's frame: behind 9 bytes of HTTP/2 and 5 of gRPC. */
const ASKED_NUMBER_AT = 9 + 5 + TEMPLATE.indexOf(ID_START) + ID_START.length;
/** In an answer: the id is its first field, behind one byte of tag and one of length. */
const ANSWERED_NUMBER_AT = 2 + ID_START.length;

const sentAt = new Float64Array(SLOTS);
const open = new Float64Array(SLOTS).fill(-1);
/** @type {number[]} */
const latenciesUs = [];
let asked = 0;
let answered = 0;
let isMeasuring = false;

/** @param {Error} cause */
function failed(cause) {
  process.stdout.write(`${cause.message}\n`);
  process.exit(1);
}

/** @type {import("./question-stream.mjs").Parts["identify"]} */
function identify(frames, at) {
  const number = asked++;
  const slot = number % SLOTS;
  if (open[slot] !== -1) failed(new Error(`question ${open[slot]} was left open while ${SLOTS} others were asked`));
  open[slot] = number;
  sentAt[slot] = performance.now();
  frames.write(number.toString(16).padStart(DIGITS, "0"), at + ASKED_NUMBER_AT, "latin1");
}

/** @param {Buffer} answer */
function take(answer) {
  const number = Number.parseInt(answer.toString("latin1", ANSWERED_NUMBER_AT, ANSWERED_NUMBER_AT + DIGITS), 16);
  const slot = number % SLOTS;
  if (open[slot] !== number) failed(new Error(`an answer to no open question: ${answer.toString("hex")}`));
  open[slot] = -1;
  if (isMeasuring) latenciesUs.push((performance.now() - (sentAt[slot] ?? 0)) * 1000);
  if (answered++ % SAMPLE === 0) check(answer);
}

/** @param {Buffer} answer */
function check(answer) {
  const { requestId, result } = AuthorizeStreamResponse.decode(answer);
  const isAdmission = requestId.startsWith(ID_START) && result?.$case === "response" && result.value.allowed;
  if (!isAdmission) failed(new Error(`not an admission: ${JSON.stringify({ requestId, result })}`));
}

function sample() {
  const { user, system } = process.cpuUsage();
  return { at: performance.now(), answered, serverUs: cpuMicroseconds(task.serverPid), driverUs: user + system };
}

const { port, path, inFlight } = task;
const streams = Array.from(
  { length: task.connections },
  () => new QuestionStream({ port, path, inFlight, template: TEMPLATE, identify, answered: take, failed }),
);
await wait(task.warmMs);
const begin = sample();
isMeasuring = true;
await wait(task.measureMs);
const end = sample();
isMeasuring = false;

for (const stream of streams) stream.end();
const deadline = performance.now() + DRAIN_MS;
while (!streams.every((stream) => stream.isOver)) {
  if (performance.now() > deadline) failed(new Error(`${asked - answered} questions were never answered`));
  await wait(5);
}

const ms = end.at - begin.at;
const count = end.answered - begin.answered;
/** @type {Outcome} */
const outcome = {
  perSecond: (count / ms) * 1000,
  p50Us: quantile(latenciesUs, 0.5),
  p99Us: quantile(latenciesUs, 0.99),
  cpuUs: (end.serverUs - begin.serverUs) / count,
  driverBusy: (end.driverUs - begin.driverUs) / 1000 / ms,
  answered,
};
process.stdout.write(`${JSON.stringify(outcome)}\n`);
