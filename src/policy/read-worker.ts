import { parentPort, workerData } from "node:worker_threads";
import { readPolicy } from "./read.js";
import { partsOf } from "./read-parts.js";

// The script of `loadInWorker`: each message that comes asks for the next part of what the bytes in `workerData` say.
const parts = partsOf(readPolicy(workerData.bytes, workerData.file));
parentPort?.on("message", () => parentPort?.postMessage(parts.next().value));
