/** Where a secret lies. */
export type SecretPlace =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "env"; readonly name: string };
