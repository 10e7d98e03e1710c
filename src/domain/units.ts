declare const unit: unique symbol;

/**
 * A number with its unit in its type. A plain number may become one; one unit never becomes another, so tokens
 * cannot be passed where money is due.
 */
type Unit<Name extends string> = number & { readonly [unit]?: Name };

/** Whole nano-USD: 1 USD = 1e9. */
export type NanoUsd = Unit<"nano-USD">;
/** Whole tokens. */
export type Tokens = Unit<"tokens">;
/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = Unit<"epoch ms">;
/** A span of time in milliseconds. */
export type Millis = Unit<"ms">;

/** The largest amount that is counted: above it a double no longer holds every integer. */
export const MAX_AMOUNT = Number.MAX_SAFE_INTEGER;
