// SPDX-License-Identifier: Apache-2.0
// Credentials that the suites give to the command and to the library, by what is unmistakable of each: nothing may show
// them, in no form that is easily undone. Watched for during the whole run (process-watch.ts), and afterwards in what it
// printed and left (test/leaks.ts).
import { encodings } from "./encodings.ts";

const GIVEN_OUT: readonly string[] = [
  "double-secret",
  "secret-password",
  "planted-env-token-7f3a91",
  "planted/store+credential/5d20c8b1e9",
  'planted "quoted" pass\\word',
  "planted-url-password",
  "planted/aws+secret/9f27c1d04e",
  "planted-aws-session//token+3ac51bb0",
  "planted/sts+secret/77b03e5a1c",
  "planted-sts-session//token+e81d02aa",
  "planted-google-access-token-4c90d7",
  "planted+azure/signature-5e2c8f01",
  "planted artifactory password 1d7e",
];

const FORMS: readonly (readonly [string, readonly string[]])[] = GIVEN_OUT.map((secret) => [secret, encodings(secret)]);

/** Those that `text` shows. */
export function shownIn(text: string): readonly string[] {
  return FORMS.filter(([, forms]) => forms.some((form) => text.includes(form))).map(([secret]) => secret);
}
