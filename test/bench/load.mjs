import { callingDriver, STARTING_MS } from "./calling-driver.mjs";
import { h2load } from "./h2load.mjs";

/**
 * @typedef {import("./h2load.mjs").Load} Load
 * @typedef {import("./h2load.mjs").Tally} Tally
 * @typedef {"h2load" | "driver"} LoadSource `driver`: a client of this bench, which can show a certificate, as h2load cannot.
 */

/**
 * Drive load from where a target is to have it from, and account for every request.
 *
 * @param {Load & { source?: LoadSource | undefined }} load
 * @returns {Promise<Tally>}
 * @throws where a request failed.
 */
export function drive({ source = "h2load", ...load }) {
  return source === "h2load" ? h2load(load) : callingDriver(load);
}

/**
 * Say how long a source may take until its load begins, in milliseconds.
 *
 * @param {LoadSource} [source]
 */
export function startingMs(source = "h2load") {
  return source === "h2load" ? 0 : STARTING_MS;
}
