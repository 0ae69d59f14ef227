// SPDX-License-Identifier: Apache-2.0
// The one error type and the one table of codes. Exit codes (packages/cli), docs/errors.md and the
// check that a code belongs to all derive from ERRORS; nothing else classifies a failure.

/** What a failure means to the caller; each kind has its own exit code (docs/errors.md). */
export type ErrorKind = "usage" | "refused" | "unattested" | "undetermined" | "interrupted";

export interface ErrorEntry {
  readonly kind: ErrorKind;
  /** The verification check that fails with this code. */
  readonly check?: string;
  readonly means: string;
  /** What to do next where the failure itself says nothing better. */
  readonly next?: string;
}

export const ERRORS = {
  ERR_USAGE: { kind: "usage", means: "the command line asks for something that does not exist or contradicts itself" },
  ERR_CONFIG_INVALID: { kind: "usage", means: "a configuration file or value cannot be used" },
  ERR_CONFIG_DECIDES: {
    kind: "usage",
    means: "something that decides a verdict was given by the environment or by a file of the checkout",
  },
  ERR_POLICY_INVALID: { kind: "usage", means: "the policy cannot be used" },
  ERR_TRUST_ROOT_INVALID: { kind: "usage", means: "the trusted root cannot be used" },
  ERR_SIGNING_CONFIG_INVALID: { kind: "usage", means: "the signing configuration cannot be used" },
  ERR_NOT_IN_JOB: { kind: "usage", means: "not in a Buildkite job: variables that every job has are missing" },
  ERR_JOB_CONTRADICTORY: { kind: "usage", means: "two variables of the job contradict each other" },
  ERR_TOKEN_AUDIENCE: { kind: "usage", means: "the identity token was made for another audience" },
  ERR_TOKEN_INVALID: { kind: "usage", means: "the identity token cannot be parsed" },
  ERR_NO_MATCH: { kind: "usage", means: "nothing matches what was named" },
  ERR_DUPLICATE_NAME: { kind: "usage", means: "two files would have one subject name" },
  ERR_NAME_INVALID: { kind: "usage", means: "a file's name cannot be a subject name or a storage key" },
  ERR_IS_DIRECTORY: { kind: "usage", means: "a directory was given where a file is meant" },
  ERR_UNREADABLE: { kind: "usage", means: "a file cannot be read" },
  ERR_KEY_INVALID: { kind: "usage", means: "a storage key is not one that every store can hold" },
  ERR_PLACEHOLDER: { kind: "usage", means: "a placeholder of a destination is unknown or empty" },
  ERR_STORE_URL: { kind: "usage", means: "the store's address cannot be used" },
  ERR_OUTPUT: { kind: "usage", means: "an output file cannot be written" },
  ERR_PREDICATE_INVALID: { kind: "usage", means: "the predicate given cannot be signed" },
  ERR_PUBLIC_LOG_UNCONFIRMED: {
    kind: "usage",
    means: "signing would publish facts for ever and nobody confirmed that",
  },

  ERR_JOB_MISMATCH: { kind: "refused", means: "the environment disagrees with the job's identity token" },
  ERR_JOB_FAILED: { kind: "refused", means: "the job's command failed: its outputs are not attested" },
  ERR_FORK_BUILD: { kind: "refused", means: "a build of a fork's pull request does not publish" },
  ERR_SECRET_FOUND: { kind: "refused", means: "a secret's value stands in what would be signed" },
  ERR_SERVICE_REFUSED: {
    kind: "refused",
    means: "a signing service refused the request; the same request will be refused again",
  },
  ERR_SELF_VERIFICATION: { kind: "refused", means: "the attestation just made does not verify" },
  ERR_STORE_CONFLICT: { kind: "refused", means: "the destination already holds other bytes" },
  ERR_STORE_TAMPERED: {
    kind: "refused",
    check: "bundle",
    means: "the store returned other bytes than its name for them says",
  },
  ERR_PINS_INVALID: { kind: "usage", means: "the pins file cannot be used" },
  ERR_PIN_CHANGED: {
    kind: "refused",
    means: "the object is no longer the one that was pinned",
    next: "the object was replaced after it was pinned: do not release; ask who wrote the store",
  },
  ERR_CHECKSUM_MISMATCH: {
    kind: "refused",
    means: "a file does not have the digest that its checksum file states",
    next: "the file or its checksum file was changed: fetch both again",
  },

  ERR_LIMIT_EXCEEDED: {
    kind: "refused",
    check: "limits",
    means: "a size or a count is over its limit",
    next: "kiteseal writes nothing of this size; ask who did",
  },
  ERR_BUNDLE_INVALID: {
    kind: "refused",
    check: "bundle",
    means: "the bundle is not a well-formed Sigstore bundle",
    next: "fetch the attestation again; if it stays so, publish again",
  },
  ERR_TIME: {
    kind: "refused",
    check: "time",
    means: "no verified time, or one outside a validity period",
    next: "do not release; the signature's time is not to be had from this attestation",
  },
  ERR_CERTIFICATE: {
    kind: "refused",
    check: "certificate",
    means: "the signing certificate is not one the trusted root accepts",
    next: "is this the trusted root of the services that signed? if it is, do not release",
  },
  ERR_SCT: {
    kind: "refused",
    check: "sct",
    means: "the certificate is not in a certificate transparency log of the trusted root",
    next: "is this the trusted root of the services that signed? if it is, do not release",
  },
  ERR_LOG_INCLUSION: {
    kind: "refused",
    check: "log",
    means: "the entry is not proven to be in a log of the trusted root",
    next: "is this the trusted root of the services that signed? if it is, do not release",
  },
  ERR_LOG_MISSING: {
    kind: "refused",
    check: "log",
    means: "the trusted root lists a log and the bundle has no entry of one",
    next: "sign with the log that the trusted root lists, or use the root of the services that signed",
  },
  ERR_LOG_BODY: {
    kind: "refused",
    check: "log",
    means: "the log's entry is about another signature, content or certificate",
    next: "do not release; the attestation was put together from parts or edited",
  },
  ERR_SIGNATURE: {
    kind: "refused",
    check: "signature",
    means: "the signature does not match",
    next: "do not release; the attestation was edited",
  },
  ERR_STATEMENT_INVALID: {
    kind: "refused",
    check: "statement",
    means: "the signed payload is not a well-formed in-toto statement",
    next: "ask who signed it; kiteseal signs no such statement",
  },
  ERR_AGREEMENT: {
    kind: "refused",
    check: "agreement",
    means: "the provenance disagrees with the certificate that signed it",
  },
  ERR_SUBJECT_DIGEST: { kind: "refused", check: "subject", means: "the statement is not about these bytes" },
  ERR_SUBJECT_NAME: {
    kind: "refused",
    check: "subject",
    means: "the statement is about these bytes under another name",
  },
  ERR_IDENTITY: {
    kind: "refused",
    check: "identity",
    means: "signed by somebody whom the rule does not allow",
    next: "do not release; ask the builder that is named why these bytes came from there",
  },
  ERR_IDENTITY_UNPROVEN: {
    kind: "refused",
    check: "identity",
    means: "the rule asks for something that the certificate does not prove",
  },
  ERR_PREDICATE_TYPE: {
    kind: "refused",
    check: "predicate",
    means: "the statement is of another predicate type",
    next: "is there another attestation of this artifact? name its type with --type or in the rule",
  },
  ERR_RULE: {
    kind: "refused",
    check: "rule",
    means: "a condition of the rule does not hold",
    next: "do not release, or change the rule if it is the rule that is wrong",
  },
  ERR_RULE_UNPROVEN: {
    kind: "refused",
    check: "rule",
    means: "a condition of the rule is about something that is not stated",
  },
  ERR_SET_INCOMPLETE: {
    kind: "refused",
    check: "subject",
    means: "a subject of the statements was not among the artifacts",
  },
  ERR_EXCEPTED: {
    kind: "refused",
    means: "an exception of the policy lets these bytes pass verification; it is no attestation that could be promoted",
    next: "attest these bytes with an allowed builder, then promote them",
  },
  ERR_NO_RULE: { kind: "refused", means: "no rule of the policy is about this name" },

  ERR_UNATTESTED: {
    kind: "unattested",
    means: "no attestation of these bytes was found",
    next: "these bytes were never attested there, or the attestation is elsewhere (--attestations, --bundle)",
  },

  ERR_TOKEN_EXPIRED: { kind: "undetermined", means: "the identity token has expired and no other could be had" },
  ERR_TOKEN_UNAVAILABLE: { kind: "undetermined", means: "no identity token could be had" },
  ERR_SECRET_UNAVAILABLE: {
    kind: "undetermined",
    means: "the agent did not give a secret that a store's credentials need",
    next: "compare the secret's name and access policy with this job; a retry may help",
  },
  ERR_SERVICE_UNAVAILABLE: { kind: "undetermined", means: "a service did not answer as it should; a retry may help" },
  ERR_STORE_UNAVAILABLE: {
    kind: "undetermined",
    means: "the store did not answer as it should; a retry may help",
    next: "try again; nothing is known of the artifact",
  },
  ERR_STORE_DENIED: {
    kind: "undetermined",
    means: "the store denied access, which says nothing about what it holds",
    next: "let this role read the artifact, and list and read the attestations",
  },
  ERR_FILE_CHANGED: { kind: "undetermined", means: "a file changed while it was read" },
  ERR_BUDGET_SPENT: {
    kind: "undetermined",
    means: "the bounds on time or bytes were reached before an answer",
    next: "remove junk from the store, or name the attestation with --bundle",
  },
  ERR_CANDIDATE_UNREADABLE: {
    kind: "undetermined",
    means: "an attestation is listed but could not be read",
    next: "try again; if it stays so, restore the store's attestations or publish again",
  },

  ERR_INTERRUPTED: { kind: "interrupted", means: "stopped by a signal" },
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** The table's row of a code. */
export function errorEntry(code: ErrorCode): ErrorEntry {
  return ERRORS[code];
}

export interface ErrorOptions {
  /** What to do next, for a human. */
  readonly hint?: string | undefined;
  /** Plain data for machines; never a secret. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/** The only error Kiteseal throws on purpose. `message`: lower case, expected and found, untrusted text quoted. */
export class KitesealError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "KitesealError";
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }

  get kind(): ErrorKind {
    return ERRORS[this.code].kind;
  }
}

/** True for a KitesealError, also one made by another copy of this package. */
export function isKitesealError(value: unknown): value is KitesealError {
  return value instanceof Error && value.name === "KitesealError" && "code" in value && isErrorCode(value.code);
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(ERRORS, value);
}

const QUOTED_MAX = 120;

/** Untrusted text for a message: JSON-escaped (no control or bidi character survives) and capped. */
export function quote(text: string): string {
  const cut = text.length > QUOTED_MAX ? `${text.slice(0, QUOTED_MAX)}…` : text;
  return JSON.stringify(cut).replace(
    /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
