// SPDX-License-Identifier: Apache-2.0
// Bundle bytes, trusted root → who signed which statement when. Knows neither artifact nor policy; pure and
// synchronous, so it runs inline or in a worker; never throws for what is in the bundle. Stops at the first failure.
import { PREDICATE_TYPES } from "@kiteseal/in-toto-attestation";
import { certificateFacts, type CertificateFacts } from "../buildkite/certificate-facts.ts";
import { BUILDKITE_ISSUER } from "../buildkite/facts.ts";
import { withCode } from "../decode.ts";
import { errorEntry, isKitesealError, KitesealError, quote, type ErrorCode } from "../errors.ts";
import { provenanceFacts, type ProvenanceFacts } from "../provenance/facts.ts";
import { decodeBundle, type Bundle } from "../sigstore/bundle.ts";
import { readSigner, type SignerIdentity } from "../sigstore/certificate.ts";
import { agreeWithin, agreeWithProvenance } from "./agreement.ts";
import { AUTHENTICATE_CHECKS, checkOf, notApplicable, notRun, passed } from "./check.ts";
import type { AuthenticateCheckId, Check } from "./check.ts";
import {
  verifyEvidence,
  VerifierRejection,
  type CertificateBundle,
  type VerifiedEntry,
  type VerifiedEvidence,
} from "./sigstore.ts";
import { readStatement, type SignedStatement } from "./statement.ts";
import type { VerifiedTime } from "./time.ts";
import type { PreparedRoot } from "./trust-material.ts";

/** Genuine, permitted to nobody yet. Internal: only `decide` may turn it into a verdict. */
export interface AuthenticAttestation {
  readonly bundleDigest: string;
  readonly signer: SignerIdentity;
  /** Only for Buildkite's issuer. */
  readonly build?: CertificateFacts;
  readonly times: readonly VerifiedTime[];
  readonly logs: readonly VerifiedEntry[];
  readonly content: { readonly statement: SignedStatement; readonly provenance?: ProvenanceFacts };
  readonly checks: readonly Check[];
}

export interface AuthenticationFailure {
  readonly bundleDigest: string;
  readonly code: ErrorCode;
  readonly checks: readonly Check[];
}

export type Authentication =
  | { readonly kind: "authentic"; readonly attestation: AuthenticAttestation }
  | { readonly kind: "refused"; readonly failure: AuthenticationFailure };

const NO_CT_LOG = "the trusted root lists no certificate transparency log";
const NO_LOG = "the trusted root lists no transparency log";

/** `bundleDigest` is the sha256 of `bytes`, hex. Errors inside the bundle become rows; only bugs are thrown. */
export function authenticate(
  unverifiedBytes: Uint8Array,
  bundleDigest: string,
  prepared: PreparedRoot,
): Authentication {
  const rows: Check[] = [];
  try {
    return { kind: "authentic", attestation: { bundleDigest, ...run(unverifiedBytes, prepared, rows) } };
  } catch (cause) {
    const error = cause instanceof VerifierRejection ? cause.error : cause;
    if (!isKitesealError(error)) throw cause;
    const failing = checkId(error.code);
    // The verifier's call runs its checks in this order: those before the one it refuses have passed.
    const before =
      cause instanceof VerifierRejection ? AUTHENTICATE_CHECKS.slice(2, AUTHENTICATE_CHECKS.indexOf(failing)) : [];
    // The failing row first: a check may have passed in part before something later of it fails.
    const known = [checkOf(failing, error), ...rows, ...before.map((id) => unlisted(id, prepared) ?? passed(id))];
    const checks = AUTHENTICATE_CHECKS.map((id) => known.find((row) => row.id === id) ?? notRun(id));
    return { kind: "refused", failure: { bundleDigest, code: error.code, checks } };
  }
}

/** A check whose authorities the trusted root does not list has not passed. */
function unlisted(id: AuthenticateCheckId, { root }: PreparedRoot): Check | undefined {
  if (id === "sct" && root.ctLogs.length === 0) return notApplicable(id, NO_CT_LOG);
  return id === "log" && root.logs.length === 0 ? notApplicable(id, NO_LOG) : undefined;
}

function checkId(code: ErrorCode): AuthenticateCheckId {
  const { check } = errorEntry(code);
  return AUTHENTICATE_CHECKS.find((id) => id === check) ?? "bundle";
}

function run(bytes: Uint8Array, prepared: PreparedRoot, rows: Check[]): Omit<AuthenticAttestation, "bundleDigest"> {
  const bundle = decodeBundle(bytes);
  rows.push(passed("limits", { note: `${bytes.length} bytes` }));
  const usable = certificateBundle(bundle);
  rows.push(passed("bundle", { note: `v${bundle.version}` }));
  const evidence = verifyEvidence(usable, prepared);
  const signer = signerOf(evidence);
  rows.push(...evidenceRows(evidence, signer));
  const { statement, ignored } = readStatement(usable.envelope);
  rows.push(passed("statement", { note: statementNote(statement, ignored) }));
  const build = signer.issuer === BUILDKITE_ISSUER ? certificateFacts(signer) : undefined;
  const isProvenance = statement.predicateType === PREDICATE_TYPES.slsaProvenanceV1;
  const provenance = build !== undefined && isProvenance ? readProvenance(statement) : undefined;
  rows.push(agreement(signer, build, provenance));
  return {
    signer,
    ...(build === undefined ? {} : { build }),
    times: evidence.times,
    logs: evidence.entries,
    content: { statement, ...(provenance === undefined ? {} : { provenance }) },
    checks: rows,
  };
}

function evidenceRows(evidence: VerifiedEvidence, signer: SignerIdentity): readonly Check[] {
  const { times, entries, droppedStamps, droppedEntries, applies } = evidence;
  const dropped = (count: number): string => (count === 0 ? "" : `; ${count} of unlisted authorities not counted`);
  const time = times.map((t) => `${t.time.toISOString()} by ${t.authority}`).join(", ");
  const log = entries.map((e) => `${e.log} index ${e.index}`).join(", ");
  return [
    passed("time", { note: time + dropped(droppedStamps) }),
    passed("certificate", { note: `${quote(signer.subject)} of ${quote(signer.issuer)}` }),
    applies.sct ? passed("sct") : notApplicable("sct", NO_CT_LOG),
    applies.log ? passed("log", { note: log + dropped(droppedEntries) }) : notApplicable("log", NO_LOG),
    passed("signature"),
  ];
}

function signerOf({ leaf }: VerifiedEvidence): SignerIdentity {
  try {
    return readSigner(leaf);
  } catch (cause) {
    if (isKitesealError(cause)) throw cause;
    throw new KitesealError("ERR_CERTIFICATE", "the signing certificate's extensions cannot be read", { cause });
  }
}

function statementNote({ subject }: SignedStatement, ignored: readonly string[]): string {
  const subjects = `${subject.length} subject${subject.length === 1 ? "" : "s"}`;
  return ignored.length === 0
    ? subjects
    : `${subjects}; unknown fields ignored: ${ignored.slice(0, 10).map(quote).join(", ")}`;
}

function readProvenance(statement: SignedStatement): ProvenanceFacts {
  return withCode({ code: "ERR_STATEMENT_INVALID", what: "the provenance" }, () =>
    provenanceFacts(statement.predicate),
  );
}

function agreement(
  signer: SignerIdentity,
  build: CertificateFacts | undefined,
  provenance: ProvenanceFacts | undefined,
): Check {
  if (build === undefined) return notApplicable("agreement", "the certificate's issuer is not Buildkite's");
  agreeWithin(build);
  if (provenance === undefined) return notApplicable("agreement", "the statement is not provenance");
  const unproven = agreeWithProvenance(build, { subject: signer.subject, provenance });
  return passed(
    "agreement",
    unproven.length === 0 ? {} : { note: `unproven by the certificate: ${unproven.join(", ")}` },
  );
}

/** Keys and blobs are asked for by a rule's own words; no rule here asks for them. */
function certificateBundle(bundle: Bundle): CertificateBundle {
  const { signer, content, logEntries, timestamps } = bundle;
  if (signer.kind !== "certificate") throw unasked("a certificate", "a public key");
  if (content.kind !== "dsse") throw unasked("a signed statement", "a signature over a blob");
  return { chain: signer.chain, envelope: content.envelope, logEntries, timestamps };
}

function unasked(expected: string, found: string): KitesealError {
  return new KitesealError("ERR_BUNDLE_INVALID", `the bundle: expected ${expected}, found ${found}`, {
    details: { expected, found },
  });
}
