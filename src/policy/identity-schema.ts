import { z } from "zod";
import { ID, ID_RULE, NAME, NAME_RULE } from "../domain/names.js";
import { list, named, section, text, wrongType } from "./fields.js";

export const SPIFFE_ID = /^spiffe:\/\/[a-z0-9._-]+(?:\/[A-Za-z0-9._-]+)+$/;
const SPIFFE_PATTERN = /^spiffe:\/\/[a-z0-9._-]+(?:\/(?:[A-Za-z0-9._-]+|\*))+$/;
/** Keys that prove an identity must not come over a line that anyone can write to; and the log names their URL. */
const JWKS_URL = /^(?:https:\/\/(?![^/?#]*@)|http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?\/)\S+$/;
const NOT_EMPTY = /^\S(?:.*\S)?$/;

const issuer = text({ expected: "the issuer as text", missing: "add the `iss` of the tokens" }, NOT_EMPTY).meta({
  description: "The `iss` of the tokens, to the letter.",
});
const audience = text({ expected: "the audience as text", missing: "add the `aud` of the tokens" }, NOT_EMPTY).meta({
  description: "A value of the tokens' `aud`.",
});
const jwksUrl = text(
  { expected: "an https URL as text", remedy: "write an https URL, without a password", mayBeSecret: true },
  JWKS_URL,
);
const jwksFile = section(
  { expected: "a map with file", remedy: "write { file: /etc/windbreak/jwks.json }" },
  {
    file: text({ expected: "a path as text", missing: "name the file" }, NOT_EMPTY).meta({
      description: "A file with a JSON Web Key Set; looked at every second.",
    }),
  },
);
const jwks = z
  .union([jwksUrl, jwksFile], {
    error: wrongType({
      expected: "an https URL as text, or a map with file",
      missing: "add the https URL of the issuer's keys",
      remedy: "write an https URL, or { file: PATH }",
    }),
  })
  .meta({ description: "Where the issuer's keys are: https, or http on this host, or { file: PATH }." });

const claims = named(
  { expected: "a map of claims", missing: "add the claims that tell this caller, such as { sub: search }" },
  NOT_EMPTY,
  text({ expected: "the claim's value as text" }),
)
  .refine((wanted) => Object.keys(wanted).length > 0, {
    error: () => "no claim\nadd one: without any, every token of the issuer would prove this caller",
  })
  .meta({ minProperties: 1, description: "Claims that the token must hold, and their values." });

/** One way to prove who one is: exactly one of the three, which is checked beside the schema. */
export const credentialSchema = section(
  { expected: "a credential as a map", remedy: "write api_key_sha256, spiffe or jwt", mayBeSecret: true },
  {
    api_key_sha256: text(
      {
        expected: "the SHA-256 of an API key: 64 hexadecimal digits",
        remedy: "copy the whole hash, quoted",
        mayBeSecret: true,
      },
      /^[0-9a-fA-F]{64}$/,
    )
      .optional()
      .meta({ description: "SHA-256 of an API key made by `windbreak keys issue`, as 64 hexadecimal digits." }),
    spiffe: text(
      { expected: "a SPIFFE id as text", remedy: "write spiffe://trust-domain/path; patterns belong under trust" },
      SPIFFE_ID,
    )
      .optional()
      .meta({ description: "The SPIFFE id in the caller's certificate." }),
    jwt: section(
      { expected: "a map with issuer, audience and claims" },
      { issuer, audience, claims, jwks: jwks.optional() },
    )
      .optional()
      .meta({ description: "A token that this caller presents." }),
  },
).meta({ id: "Credential", title: "Credential", minProperties: 1, maxProperties: 1 });

function claimOr(form: RegExp, rule: string) {
  const claim = fromClaim(form, rule);
  const words = { expected: "a name as text, or a map with claim", missing: "name one, or say { claim: … }" };
  return z.union([text({ expected: `a name as text (${rule})` }, form), claim], { error: wrongType(words) });
}

function fromClaim(form: RegExp, rule: string) {
  return section(
    { expected: "a map with claim", missing: "add it: { claim: sub }", remedy: "write { claim: sub }" },
    {
      claim: text({ expected: "a claim's name as text", missing: "name the claim" }, NOT_EMPTY).meta({
        description: "The claim whose value is taken.",
      }),
      map: named(
        { expected: "a map from values of the claim to names" },
        /^/,
        text({ expected: `a name as text (${rule})` }, form),
      )
        .transform((map): readonly (readonly [string, string])[] => Object.entries(map))
        .optional()
        .meta({
          description:
            "From values of the claim to names here; of a claim that is a list, the first entry here that it holds. Without a map the value itself is the name.",
        }),
    },
  );
}

/** One trust rule: exactly one of jwt and spiffe, which is checked beside the schema. */
export const trustSchema = section(
  { expected: "a trust rule as a map", remedy: "write jwt or spiffe, and the role and workspace it gives" },
  {
    jwt: section({ expected: "a map with issuer, audience and jwks" }, { issuer, audience, jwks })
      .optional()
      .meta({ description: "Tokens of this issuer for this audience." }),
    spiffe: text(
      { expected: "a SPIFFE id, or a pattern where * is a whole segment", remedy: "write spiffe://acme/ns/*/sa/*" },
      SPIFFE_PATTERN,
    )
      .optional()
      .meta({ description: "A pattern of SPIFFE ids; * is one segment of the path. The principal is the SPIFFE id." }),
    principal: fromClaim(ID, ID_RULE).optional().meta({ description: "The claim that names the principal." }),
    role: claimOr(NAME, NAME_RULE).meta({ description: "The role, by name or from a claim." }),
    workspace: claimOr(NAME, NAME_RULE).meta({ description: "The workspace, by name or from a claim." }),
  },
).meta({ id: "TrustRule", title: "Trust rule" });

/** The trust rules, tried in order. */
export function trustRules() {
  return list({ expected: "a list of trust rules" }, trustSchema);
}
