import { guarding, type Windbreak } from "./guarded-fetch.js";
import type { GuardOptions } from "./options.js";

/** What a client of `@mistralai/mistralai` 2 shows of itself. */
export interface MistralClient {
  readonly _options: { readonly httpClient?: HttpClient | undefined };
  readonly chat: object;
}

export interface HttpClient {
  request(request: Request): Promise<Response>;
}

/**
 * Make a client of Mistral's whose every call is decided before and settled after.
 *
 * The new client has the options, the hooks and the HTTP client of the one given, which itself stays as it was: throw it
 * away. A refused call fails as one that Mistral refuses, with an error that `denialOf` reads.
 *
 * @throws TypeError where it is no client of Mistral's, or is guarded already.
 */
export function withWindbreak<Client extends MistralClient>(
  mistral: Client,
  options: GuardOptions = {},
): Client & { readonly windbreak: Windbreak } {
  const given: Partial<MistralClient> = mistral;
  if (given._options === undefined) {
    throw new TypeError(
      "withWindbreak wants a client of @mistralai/mistralai 2; for others there is createWindbreakFetch",
    );
  }
  if ("windbreak" in mistral) throw new TypeError("this client is guarded already, and would pay twice");
  const { request, settled, close } = guarding(options);
  const { httpClient } = given._options;
  const send = httpClient ? (allowed: Request) => httpClient.request(allowed) : (allowed: Request) => fetch(allowed);
  // Once for each attempt: hooks of the client are not told of connections that fail.
  const guarded = { request: (asked: Request) => request(asked, send), clone: () => guarded };
  const client: Client = Reflect.construct(mistral.constructor, [{ ...given._options, httpClient: guarded }]);
  return Object.assign(client, { windbreak: { settled, close } });
}
