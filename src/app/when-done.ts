import type { MaybePromise } from "./ports.js";

/** Go on with a value: at once where it is there, else when it comes. */
export function whenDone<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}
