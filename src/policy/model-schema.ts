import { z } from "zod";
import { ENDPOINTS } from "../domain/model.js";
import { ID, ID_RULE, MODEL_NAME, MODEL_NAME_RULE } from "../domain/names.js";
import { choice, list, message, section, text, usd, whole } from "./fields.js";
import { describe } from "./show.js";

/** A list of endpoints by name. */
export function endpoints() {
  const words = { expected: "a list of endpoints", remedy: "write a list such as [chat_completions]" };
  return list(words, choice(ENDPOINTS));
}

/** The id or an alias of a model. */
function modelName() {
  const words = { expected: `a model name as text (${MODEL_NAME_RULE})`, remedy: "write a model's id or alias" };
  return text(words, MODEL_NAME);
}

/** The id or an alias of a model, or a glob. */
export function modelPattern() {
  return text({ expected: `a model name as text (${ID_RULE})`, remedy: "write a model's id or alias" }, ID);
}

function price(unit: string) {
  return usd(1, { below: "write `free: true` beside, instead of prices, if the model costs nothing" })
    .optional()
    .meta({ description: `USD per ${unit}.` });
}

const free = z.literal(true, {
  error: ({ input }) => message(`expected true, found ${describe(input)}`, "write true, or remove the key"),
});

/** One entry under `models`. What it leaves out comes from the model that it is like, or that it redefines. */
export const modelSchema = section(
  { expected: "a map that describes a model", remedy: "write { like: mistral-small-latest }, or endpoints and prices" },
  {
    like: modelName().optional().meta({ description: "Take everything from this model but its names." }),
    aliases: list({ expected: "a list of names" }, modelName())
      .optional()
      .meta({ description: "Other names that mean this model." }),
    endpoints: endpoints()
      .min(1, { error: () => message("no endpoint", "list at least one, or leave the key out where `like` is given") })
      .optional()
      .meta({ description: "What the model serves; the first one is meant where a request names none." }),
    context_length: whole(1).optional().meta({ description: "The most tokens of input and output together." }),
    max_output_tokens: whole(1).optional().meta({ description: "The most tokens that the model writes." }),
    free: free.optional().meta({ description: "Set every price to 0." }),
    prices: section(
      { expected: "a map of prices", remedy: "write prices such as { input: 0.15, output: 0.6 }" },
      {
        input: price("million input tokens"),
        cached_input: price("million input tokens found in the cache"),
        output: price("million output tokens"),
        page: price("page of OCR"),
        annotated_page: price("page of OCR with annotations"),
        audio_minute: price("minute of audio"),
      },
    )
      .optional()
      .meta({ description: "What the model costs." }),
  },
).meta({ id: "Model", title: "Model" });

/** One entry under `models`, as read; prices in nano-USD. */
export type ModelRule = z.output<typeof modelSchema>;
