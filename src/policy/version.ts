import { z } from "zod";
import { message } from "./fields.js";
import { ONE } from "./number-text.js";
import { describe } from "./show.js";

/** The version of a file's form: 1. */
export function version() {
  const error = ({ input }: { readonly input?: unknown }) =>
    input === undefined
      ? message("missing", "add `version: 1`")
      : message(`expected the number 1, found ${describe(input)}`, "write `version: 1`, the only version there is");
  return z.literal(ONE, { error }).transform((): 1 => 1);
}
