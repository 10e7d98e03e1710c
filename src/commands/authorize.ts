import { readAskSettings } from "../settings.js";
import { type Context, EXIT, fail, failUsage, isGiven } from "./context.js";
import { decisionText } from "./decision-text.js";
import { readQuestion } from "./question.js";
import { askAuthorize } from "./service-calls.js";

/** Ask a running server to decide one call. @returns 1 where it is denied. */
export async function authorize(context: Context): Promise<number> {
  const { io, flags } = context;
  const settings = readAskSettings(context);
  const question = readQuestion(flags);
  const faults = [settings, question].flatMap((read) => (read.kind === "faulty" ? read.faults : []));
  if (settings.kind === "faulty" || question.kind === "faulty") return failUsage(io, faults);

  const answer = await askAuthorize(settings.settings, question.call);
  if (answer.kind === "failure") return fail(io, answer);
  if (isGiven(flags, "json")) {
    const { protoJson } = await import("./proto-json.js");
    io.stdout.write(protoJson("windbreak.v1.AuthorizeResponse", answer.bytes));
  } else {
    io.stdout.write(decisionText(answer.message, io.now()));
  }
  return answer.message.allowed ? EXIT.done : EXIT.no;
}
