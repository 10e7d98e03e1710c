import { errors } from "jose";
import type { Distrust } from "../domain/distrust.js";

/** Why, for a metric, and for a person as the end of a sentence that begins with the token. */
export type WhyNot = readonly [why: Distrust, words: string];

/**
 * Say why a token was rejected.
 *
 * In words of our own: those of the library could come to hold a part of the token.
 */
export function whyNot(error: errors.JOSEError): WhyNot {
  if (error instanceof errors.JWTExpired) return ["expired", "has expired"];
  if (error instanceof errors.JWTClaimValidationFailed) return whyNotByClaim(error);
  if (error instanceof errors.JOSEAlgNotAllowed) return ["wrong_signature", "is not signed by RS*, PS*, ES* or EdDSA"];
  if (error instanceof errors.JWKSNoMatchingKey) return ["wrong_signature", "is signed by none of its issuer's keys"];
  if (error instanceof errors.JWKSMultipleMatchingKeys) {
    return ["wrong_signature", "names no key (kid), and its issuer has several"];
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return ["wrong_signature", "has a signature that is not its issuer's"];
  }
  if (error instanceof errors.JWKInvalid || error instanceof errors.JWKSInvalid) {
    return ["wrong_signature", "is signed by a key that its issuer does not publish in full"];
  }
  return ["malformed", "cannot be read"];
}

function whyNotByClaim({ claim, reason }: errors.JWTClaimValidationFailed): WhyNot {
  if (reason === "missing") return ["wrong_token", `has no ${claim}`];
  if (claim === "aud") {
    return ["wrong_audience", "is for another audience (aud) than those that the policy trusts of its issuer"];
  }
  if (claim === "nbf" && reason === "check_failed") return ["expired", "is not valid yet (nbf)"];
  return ["wrong_token", `has a wrong ${claim}`];
}
