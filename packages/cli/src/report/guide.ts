// SPDX-License-Identifier: Apache-2.0
// What each check is about and what to do when it fails, for reports that people act on. The long form:
// docs/reference/checks.md.
import { type CheckId, type ErrorCode, errorEntry } from "@kiteseal/core";
import type { Outcome } from "./run.ts";

export interface Guide {
  /** What holds when the check passes. */
  readonly proves: string;
  /** What to do when it fails and the report has no hint of its own. */
  readonly next: string;
}

const RULE_NEXT = "another build may satisfy the rule; if this one should, the policy has to say so";
const EVIDENCE_NEXT =
  "compare the trusted root with the services that signed; if it is right, treat the file as forged";

export const GUIDE: Readonly<Record<CheckId, Guide>> = {
  limits: { proves: "sizes and counts are within bounds", next: "no build makes such a file: find out who wrote it" },
  bundle: {
    proves: "the attestation is a well-formed Sigstore bundle of a kind the rule asks for",
    next: "publish again; if the file was changed where it is stored, find out by whom",
  },
  time: { proves: "an authority vouches for when it was signed", next: EVIDENCE_NEXT },
  certificate: { proves: "the certificate is one the trusted root accepts", next: EVIDENCE_NEXT },
  sct: { proves: "the certificate was shown to a certificate transparency log", next: EVIDENCE_NEXT },
  log: { proves: "the signature stands in a transparency log of the trusted root", next: EVIDENCE_NEXT },
  signature: {
    proves: "the signature is the signer's, over exactly this content",
    next: "it was changed after it was signed: do not deploy, find out where",
  },
  statement: {
    proves: "what was signed is a well-formed in-toto statement",
    next: "another tool made it, or a broken one: look with `kiteseal inspect`",
  },
  agreement: {
    proves: "the provenance says of the build what the certificate says",
    next: "the provenance describes another job than the one that signed it: do not deploy, ask that pipeline's owners",
  },
  subject: {
    proves: "these bytes, under this name, are what was signed",
    next: "these are not the bytes or not the name that was signed: fetch the artifact again, then look for swapped files",
  },
  identity: {
    proves: "whom the rule allows signed it",
    next: "deploy what an allowed build made; if this one should pass, its owner has to change the rule",
  },
  predicate: {
    proves: "the attestation is of the kind the rule asks for",
    next: "publish the missing kind, or ask for this one with --type",
  },
  "rule.build": { proves: "the build is the one asked for", next: "deploy the artifact of that build" },
  "rule.trigger": { proves: "the build was made in an allowed way", next: RULE_NEXT },
  "rule.runner": { proves: "the build ran on an allowed kind of agent", next: RULE_NEXT },
  "rule.commit": { proves: "the build was of an allowed commit", next: "deploy the artifact of that commit" },
  "rule.repository": { proves: "the provenance names an allowed repository", next: RULE_NEXT },
  "rule.organization-id": { proves: "the organisation has an allowed UUID", next: RULE_NEXT },
  "rule.pipeline-id": { proves: "the pipeline has an allowed UUID", next: RULE_NEXT },
  "rule.max-age": { proves: "it was signed recently enough", next: "build again, or use an exception for a rollback" },
  "rule.logs": { proves: "enough distinct logs have it", next: "sign with more logs, in the signing configuration" },
  "rule.timestamps": {
    proves: "enough distinct authorities vouch for the time",
    next: "sign with more timestamp authorities, in the signing configuration",
  },
  "rule.dependencies": {
    proves: "what the build was made from is pinned, as the provenance claims",
    next: "pin the plugin to a full commit, or the image to a digest, in the pipeline; then build again",
  },
  "rule.also-required": {
    proves: "the other attestations that the rule asks for pass too",
    next: "attest them in the same job, then publish again",
  },
};

/** One line: what an outcome means for whoever waits for the deploy. */
export const VERDICT_MEANS: Readonly<Record<Outcome, string>> = {
  verified: "may be released",
  excepted: "NOT VERIFIED; an exception of the policy lets exactly these bytes pass",
  rejected: "do not release; a retry will not help",
  unattested: "do not release; nobody attested these bytes where it was looked",
  undetermined: "could not tell, which is no verdict: retry, and do not release until it passes",
  error: "could not be asked: the command, the policy or a file is wrong",
};

const NEXT_OF_CODE: Partial<Record<ErrorCode, string>> = {
  ERR_UNATTESTED:
    "did the publish step run, and are these its bytes? fetch them again; attestations kept elsewhere need --attestations or --bundle",
  ERR_NO_RULE: "add a rule or `otherwise` to the policy, or say the name with --name or --base",
  ERR_STORE_DENIED:
    "let this role read the artifact and list and read its attestations; those kept elsewhere need --attestations",
  ERR_STORE_UNAVAILABLE: "the store did not answer: retry; if it goes on, it is the store's outage, not the artifact's",
  ERR_CANDIDATE_UNREADABLE:
    "an attestation is listed and cannot be read: retry; if it goes on, restore it from a backup or publish again",
  ERR_BUDGET_SPENT:
    "more attestations lie there than are looked at: find out who wrote them, or name one with --bundle",
};

/** What to do next, where the report has no hint of its own. */
export function nextStep(code: ErrorCode, check: CheckId | undefined): string {
  const byCode = NEXT_OF_CODE[code];
  if (byCode !== undefined) return byCode;
  return check === undefined ? errorEntry(code).means : GUIDE[check].next;
}
