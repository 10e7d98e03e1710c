import type { AuthorizeCall } from "../app/authorize.js";
import type { PrincipalName } from "../app/forms.js";
import { ENDPOINTS } from "../domain/model.js";
import {
  AuthorizeRequest,
  AuthorizeResponse,
  CheckBudgetRequest,
  CheckBudgetResponse,
} from "../gen/windbreak/v1/policy_decision.js";
import type { AskSettings } from "../settings.js";
import { askServer } from "./ask-server.js";
import { EXIT, type Failure, failure } from "./context.js";

/** An answer of the service, and the bytes that it came in: all that it says can be read from them. */
export interface Answer<Message> {
  readonly kind: "answer";
  readonly message: Message;
  readonly bytes: Buffer;
}

/** Ask a server to decide. */
export function askAuthorize(settings: AskSettings, call: AuthorizeCall): Promise<Answer<AuthorizeResponse> | Failure> {
  const { endpoint, request, labels, ...rest } = call;
  const number = endpoint === undefined ? 0 : ENDPOINTS.indexOf(endpoint) + 1;
  const message = { ...rest, ...request, endpoint: number, labels: { ...labels } };
  return answered(settings, "Authorize", AuthorizeRequest.encode(message).finish(), AuthorizeResponse);
}

/** Ask a server how a principal's limits stand. An empty model asks about none. */
export function askBudget(
  settings: AskSettings,
  asked: { readonly principal: PrincipalName; readonly model: string },
): Promise<Answer<CheckBudgetResponse> | Failure> {
  return answered(settings, "CheckBudget", CheckBudgetRequest.encode(asked).finish(), CheckBudgetResponse);
}

async function answered<Message>(
  settings: AskSettings,
  method: string,
  message: Uint8Array,
  { decode }: { readonly decode: (bytes: Uint8Array) => Message },
): Promise<Answer<Message> | Failure> {
  const bytes = await askServer(settings, `/windbreak.v1.PolicyDecisionService/${method}`, message);
  if (!Buffer.isBuffer(bytes)) return bytes;
  try {
    return { kind: "answer", message: decode(bytes), bytes };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return failure(EXIT.unreachable, `${method}: the answer cannot be read (${error.message}); update this command`);
  }
}
