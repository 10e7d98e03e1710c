import { parentPort, workerData } from "node:worker_threads";
import { readPolicy } from "./read.js";

// The script of `readInWorker`: posts what the bytes in `workerData` say.
parentPort?.postMessage(readPolicy(workerData.bytes, workerData.file));
