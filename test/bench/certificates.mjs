import { execFileSync } from "node:child_process";

/** What certificates of servers on loopback name. */
export const SERVER_NAME = "localhost";

/** @typedef {{ certificate: string, key: string }} CertificateFiles paths. */

/**
 * Make a certificate with openssl, good for two days.
 *
 * @param {string} stem of its files' paths.
 * @param {{ name: string, by?: CertificateFiles }} of `name`: `DNS:api.mistral.ai`, `IP:127.0.0.1`, `URI:spiffe://…`; `by`:
 *   its authority; it is its own where left out.
 * @returns {CertificateFiles}
 * @throws where openssl is missing or refuses.
 */
export function makeCertificate(stem, { name, by }) {
  const files = { certificate: `${stem}.crt`, key: `${stem}.key` };
  const signed = by && [
    ...["-CA", by.certificate, "-CAkey", by.key],
    ...["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth,clientAuth"],
  ];
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
      ...["-subj", `/CN=${name.replaceAll("/", "\\/")}`, "-addext", `subjectAltName=${name}`, ...(signed ?? [])],
      ...["-out", files.certificate, "-keyout", files.key],
    ],
    { stdio: "ignore" },
  );
  return files;
}
