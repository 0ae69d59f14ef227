// SPDX-License-Identifier: Apache-2.0
// Options of other tools that mean something else there, or nothing here: unknown, with a word on what is meant.

const IDENTITY =
  "name the builder with --org, --pipeline and --branch: a Buildkite signer is compared whole, never by pattern";
const NEVER = "there is no such switch: no check can be turned off";
const SERVICES = "services come from --signing-config FILE";

const HINTS: Readonly<Record<string, string>> = {
  "--certificate-identity": IDENTITY,
  "--certificate-identity-regexp": IDENTITY,
  "--certificate-identity-uri": IDENTITY,
  "--certificate-oidc-issuer": IDENTITY,
  "--certificate-oidc-issuer-regexp": IDENTITY,
  "--certificate-issuer": IDENTITY,
  "--cert-identity": IDENTITY,
  "--cert-identity-regex": IDENTITY,
  "--cert-oidc-issuer": IDENTITY,
  "--signer-repo": IDENTITY,
  "--signer-workflow": IDENTITY,
  "--builder-id": IDENTITY,
  "--owner": "the organization is --org, the pipeline --pipeline",
  "--repo": "the pipeline that built it is --pipeline; the repository that provenance claims is --repository",
  "--source-uri": "the repository that provenance claims is --repository",
  "--source-branch": "the branch is --branch",
  "--source-tag": "the tag is --tag",
  "--source-digest": "the commit is --commit",
  "--source-ref": "the ref is --branch or --tag",
  "--deny-self-hosted-runners": "use --runner buildkite-hosted",
  "--insecure-ignore-tlog": NEVER,
  "--insecure-ignore-sct": NEVER,
  "--no-transparency-log": NEVER,
  "--offline": "verification asks no Sigstore service in any case",
  "--fulcio-url": SERVICES,
  "--rekor-url": SERVICES,
  "--timestamp-server-url": SERVICES,
  "--use-signing-config": SERVICES,
  "--identity-token": "a secret does not belong on a command line: use --identity-token-file FILE",
  "--tlog-upload": SERVICES,
  "--yes": "say --transparency public if public logs are meant",
  "--output": "the report's form is --format",
  "--json": "use --format json",
  "--key": "signing is keyless: the job's own identity signs; keys are for verify",
  "--public-key": "a public key that may have signed is --key FILE",
};

/** What to do instead of an option that this program does not have. */
export function hintForOption(option: string): string | undefined {
  return Object.hasOwn(HINTS, option) ? HINTS[option] : undefined;
}
