import { errors } from "jose";

/**
 * Say why a token was rejected, as the end of a sentence that begins with it.
 *
 * In words of our own: those of the library could come to hold a part of the token.
 */
export function whyNot(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return "has expired";
  if (error instanceof errors.JWTClaimValidationFailed) return whyNotByClaim(error);
  if (error instanceof errors.JOSEAlgNotAllowed) return "is not signed by RS*, PS*, ES* or EdDSA";
  if (error instanceof errors.JWKSNoMatchingKey) return "is signed by none of its issuer's keys";
  if (error instanceof errors.JWKSMultipleMatchingKeys) return "names no key (kid), and its issuer has several";
  if (error instanceof errors.JWSSignatureVerificationFailed) return "has a signature that is not its issuer's";
  if (error instanceof errors.JWKInvalid || error instanceof errors.JWKSInvalid) {
    return "is signed by a key that its issuer does not publish in full";
  }
  return "cannot be read";
}

function whyNotByClaim({ claim, reason }: errors.JWTClaimValidationFailed): string {
  if (reason === "missing") return `has no ${claim}`;
  if (claim === "aud") return "is for another audience (aud) than those that the policy trusts of its issuer";
  if (claim === "nbf" && reason === "check_failed") return "is not valid yet (nbf)";
  return `has a wrong ${claim}`;
}
