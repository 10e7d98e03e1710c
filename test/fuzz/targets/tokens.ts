/** The public keys of an issuer whose private ones nobody kept. */
export const PUBLIC_KEYS = {
  keys: [
    {
      kty: "EC",
      x: "W3aMDUfk1eGFHfuS_VZVCK86mmQGAuyO0YR-2ErRU2E",
      y: "RiTR8lqBM9mmW1kjQR08DcZej6nuK4_mf0apaaAMz9g",
      crv: "P-256",
      kid: "one",
      alg: "ES256",
      use: "sig",
    },
    {
      kty: "RSA",
      n: "i1G9TJVCxLeWGqKe6AznwOzRYFnAz66dWL4CeKC_59n7m1oPY7Q9nUCNsek4rrkgAbjTyNodRDhcofa2bxvzziZcjFdnZU85LuCWcZoe9CcajbAsfXzhstU968eCYApObkQ699VUIi0rZpPyu_PSEotHysz4zhDOxIgE3I0NYc_2JEwf5aqFhB1fIFWvyTtLlTXqndwahmjIA6Ngeexj2_72aWscAmtdJQJJ6n7Pri0GorFtseKGDJgpvWAwxKobpuyAAySpUZ4qS3QiPgzMOOp5dzJoggrNYbNk6Tuvc-IIUxE2Cvf6_1YXxyBbqsW4Hfx2gCuI_Pw1YDmzUMDSmQ",
      e: "AQAB",
      kid: "two",
      alg: "RS256",
      use: "sig",
    },
    {
      crv: "Ed25519",
      x: "Y2sTbryCiwsnXaHz0ZWe0iye2DaT-hbZ6ieHnRtSQ8A",
      kty: "OKP",
      kid: "three",
      alg: "EdDSA",
      use: "sig",
    },
  ],
};

/** A token signed by each of them, good until 2100. */
export const TOKENS: readonly string[] = [
  "eyJhbGciOiJFUzI1NiIsImtpZCI6Im9uZSJ9.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlIiwiYXVkIjoid2luZGJyZWFrIiwic3ViIjoiYW5uIiwiZ3JvdXBzIjpbImNyZXciXSwidGVhbSI6Im1sIiwiZXhwIjo0MTAyNDQ0ODAwfQ.ivAf3w8_NeJ_qSKetZ1hcNNZfvt3hNwVcxL7DvO27YncpwHyW7v8mwHgj1A52JZpq-NngA0q9AO44tms6JCwuw",
  "eyJhbGciOiJSUzI1NiIsImtpZCI6InR3byJ9.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlIiwiYXVkIjoid2luZGJyZWFrIiwic3ViIjoiYm9iIiwiZ3JvdXBzIjpbImNyZXciXSwidGVhbSI6Im1sIiwiZXhwIjo0MTAyNDQ0ODAwfQ.RZZEIGxAC5j4h5Dnhy4aJLvgdUOPwPtlZGscmAwHlgTRixr94HLQsXXkAHgsqZkfjO0_o69RERMjnd3RvzDxtmsWUfMQJQdVyXD-F5NO9YFxfuSDEZhOoYgS6ppbAgBbwAzWCKMQd5XW5_cGWou7zV2bdYxXxsAaBlUoOzBCc_mRxdxg9eXaTGhPa7wyg5PPS2IzHJK3MY2aB3FSMya8OLTiwr-ja5uxBnskDJsuzmD_szkNShmbBy4XUS7g7PHco0BBgUxkN1C5G0jbltSvFaao9l-PGKuzdYg7USJASBs2bFoUBFRCCchyJfLFU3rohfw0uLRh55yu1iH9aS3ZKw",
  "eyJhbGciOiJFZERTQSIsImtpZCI6InRocmVlIn0.eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlIiwiYXVkIjoid2luZGJyZWFrIiwic3ViIjoiYm9iIiwiZ3JvdXBzIjpbImNyZXciXSwidGVhbSI6Im1sIiwiZXhwIjo0MTAyNDQ0ODAwfQ.0Eb3YW6eCgcYWHTYOAhrous9Js2oiIh64dFVwoTwUj6WrG3AtTaHd5L0M6JPI_0lE_4IaSJSq9zauQ8ame7bDQ",
];
