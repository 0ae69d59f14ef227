// SPDX-License-Identifier: Apache-2.0
// Bundle bytes, trusted root → who signed what when. Knows neither artifact nor policy; pure and synchronous, so it runs
// inline or in a worker; never throws for what is in the bundle. Stops at the first failure.
import { PREDICATE_TYPES } from "@kiteseal/in-toto-attestation";
import { certificateFacts, type CertificateFacts } from "../buildkite/certificate-facts.ts";
import { BUILDKITE_ISSUER } from "../buildkite/facts.ts";
import { withCode } from "../decode.ts";
import { errorEntry, isKitesealError, KitesealError, type ErrorCode } from "../errors.ts";
import { provenanceFacts, type ProvenanceFacts } from "../provenance/facts.ts";
import { decodeBundle, type Bundle, type DsseEnvelope } from "../sigstore/bundle.ts";
import { isKeyIdentity, readSigner, type Signer } from "../sigstore/certificate.ts";
import { agreeWithin, agreeWithProvenance } from "./agreement.ts";
import { askedReadings, type Asked } from "./asked.ts";
import { AUTHENTICATE_CHECKS, checkOf, notApplicable, notRun, passed } from "./check.ts";
import type { AuthenticateCheckId, Check } from "./check.ts";
import { agreementRow, evidenceRows, NO_CT_LOG, NO_LOG, statementRow } from "./rows.ts";
import { messageDigest } from "./signature.ts";
import {
  verifyEvidence,
  VerifierRejection,
  type AskedBundle,
  type VerifiedEntry,
  type VerifiedEvidence,
} from "./sigstore.ts";
import { readStatement, type SignedStatement } from "./statement.ts";
import type { VerifiedTime } from "./time.ts";
import type { PreparedRoot } from "./trust-material.ts";

export interface StatementContent {
  readonly kind: "statement";
  readonly statement: SignedStatement;
  /** Only Buildkite's own provenance. */
  readonly provenance?: ProvenanceFacts;
}

export interface BlobContent {
  readonly kind: "blob";
  /** One algorithm, hex. */
  readonly digest: Readonly<Record<string, string>>;
}

/** Genuine, permitted to nobody yet. Internal: only `decide` may turn it into a verdict. */
export interface AuthenticAttestation {
  readonly bundleDigest: string;
  readonly signer: Signer;
  /** Only for Buildkite's issuer. */
  readonly build?: CertificateFacts;
  readonly times: readonly VerifiedTime[];
  readonly logs: readonly VerifiedEntry[];
  readonly content: StatementContent | BlobContent;
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

/** What bundles are judged by. */
export interface Authority extends Asked {
  readonly prepared: PreparedRoot;
}

/** `bundleDigest` is the sha256 of the bytes, hex. Errors inside the bundle become rows; only bugs are thrown. */
export function authenticate(unverifiedBytes: Uint8Array, bundleDigest: string, authority: Authority): Authentication {
  const rows: Check[] = [];
  try {
    const bundle = decodeBundle(unverifiedBytes);
    rows.push(passed("limits", { note: `${unverifiedBytes.length} bytes` }));
    const attestation = run(bundle, authority, rows);
    return { kind: "authentic", attestation: { bundleDigest, ...attestation, checks: rows } };
  } catch (cause) {
    const error = cause instanceof VerifierRejection ? cause.error : cause;
    if (!isKitesealError(error)) throw cause;
    const failing = checkId(error.code);
    // The verifier's call runs its checks in this order: those before the one it refuses have passed.
    const before =
      cause instanceof VerifierRejection ? AUTHENTICATE_CHECKS.slice(2, AUTHENTICATE_CHECKS.indexOf(failing)) : [];
    // The failing row first: a check may have passed in part before something later of it fails.
    const known = [
      checkOf(failing, error),
      ...rows,
      ...before.map((id) => unlisted(id, authority.prepared) ?? passed(id)),
    ];
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

type Unchecked = Omit<AuthenticAttestation, "bundleDigest" | "checks">;

function run(bundle: Bundle, authority: Authority, rows: Check[]): Unchecked {
  const readings = askedReadings(bundle, authority);
  rows.push(passed("bundle", { note: `v${bundle.version}` }));
  const { reading, evidence } = firstThatVerifies(readings, authority.prepared);
  const signer = signerOf(reading, evidence);
  rows.push(...evidenceRows(evidence, signer));
  const build = !isKeyIdentity(signer) && signer.issuer === BUILDKITE_ISSUER ? certificateFacts(signer) : undefined;
  const common = { signer, ...(build === undefined ? {} : { build }), times: evidence.times, logs: evidence.entries };
  if (build !== undefined) agreeWithin(build);
  if (bundle.content.kind === "message") {
    const { name, hex } = messageDigest(bundle.content.message);
    rows.push(
      notApplicable("statement", "a signature over a blob"),
      notApplicable("agreement", "a signature over a blob"),
    );
    return { ...common, content: { kind: "blob", digest: { [name]: hex } } };
  }
  return { ...common, content: readContent(bundle.content.envelope, { signer, build }, rows) };
}

/** Of several keys that were asked for one may have signed; the refusal that came furthest speaks for all. */
function firstThatVerifies(
  readings: readonly AskedBundle[],
  prepared: PreparedRoot,
): { reading: AskedBundle; evidence: VerifiedEvidence } {
  let refusal: unknown = new KitesealError("ERR_BUNDLE_INVALID", "the bundle has no reading");
  for (const reading of readings) {
    try {
      return { reading, evidence: verifyEvidence(reading, prepared) };
    } catch (error) {
      if (progress(error) >= progress(refusal)) refusal = error;
    }
  }
  throw refusal;
}

/** Which check refused; a bug is never hidden by a refusal. */
function progress(refusal: unknown): number {
  const error = refusal instanceof VerifierRejection ? refusal.error : refusal;
  return isKitesealError(error) ? AUTHENTICATE_CHECKS.indexOf(checkId(error.code)) : AUTHENTICATE_CHECKS.length;
}

function signerOf({ signer }: AskedBundle, { leaf }: VerifiedEvidence): Signer {
  if (signer.kind === "key") return { keyDigest: signer.key.digest };
  try {
    if (leaf !== undefined) return readSigner(leaf);
  } catch (cause) {
    if (isKitesealError(cause)) throw cause;
    throw new KitesealError("ERR_CERTIFICATE", "the signing certificate's extensions cannot be read", { cause });
  }
  throw new KitesealError("ERR_CERTIFICATE", "the bundle has no signing certificate");
}

function readContent(
  envelope: DsseEnvelope,
  o: { signer: Signer; build: CertificateFacts | undefined },
  rows: Check[],
): StatementContent {
  const { statement, ignored } = readStatement(envelope, { allowV01: o.build === undefined });
  rows.push(statementRow(statement, ignored));
  if (o.build === undefined || isKeyIdentity(o.signer)) {
    rows.push(notApplicable("agreement", "the signer is not Buildkite's"));
    return { kind: "statement", statement };
  }
  if (statement.predicateType !== PREDICATE_TYPES.slsaProvenanceV1) {
    rows.push(notApplicable("agreement", "the statement is not provenance"));
    return { kind: "statement", statement };
  }
  const provenance = withCode({ code: "ERR_STATEMENT_INVALID", what: "the provenance" }, () =>
    provenanceFacts(statement.predicate),
  );
  rows.push(agreementRow(agreeWithProvenance(o.build, { subject: o.signer.subject, provenance })));
  return { kind: "statement", statement, provenance };
}
