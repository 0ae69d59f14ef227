// SPDX-License-Identifier: Apache-2.0
// Evidence that has been verified, as rows.
import type { FactName } from "../buildkite/facts.ts";
import { quote } from "../errors.ts";
import { isKeyIdentity, signerText, type Signer } from "../sigstore/certificate.ts";
import { notApplicable, passed, type Check } from "./check.ts";
import type { VerifiedEvidence } from "./sigstore.ts";
import type { SignedStatement } from "./statement.ts";

export const NO_CT_LOG = "the trusted root lists no certificate transparency log";
export const NO_LOG = "the trusted root lists no transparency log";
const SHOWN_FIELDS = 10;

/** time, certificate, sct, log, signature. */
export function evidenceRows(evidence: VerifiedEvidence, signer: Signer): readonly Check[] {
  const { times, entries, droppedStamps, droppedEntries, applies } = evidence;
  const dropped = (count: number): string => (count === 0 ? "" : `; ${count} of unlisted authorities not counted`);
  const time = times.map((t) => `${t.time.toISOString()} by ${t.authority}`).join(", ");
  const log = entries.map((e) => `${e.log} index ${e.index}`).join(", ");
  const byKey = isKeyIdentity(signer);
  const noSct = byKey ? "signed with a key" : NO_CT_LOG;
  return [
    passed("time", { note: time + dropped(droppedStamps) }),
    byKey
      ? notApplicable("certificate", "signed with a key")
      : passed("certificate", { note: quote(signerText(signer)) }),
    applies.sct ? passed("sct") : notApplicable("sct", noSct),
    applies.log ? passed("log", { note: log + dropped(droppedEntries) }) : notApplicable("log", NO_LOG),
    passed("signature"),
  ];
}

export function statementRow({ subject }: SignedStatement, ignored: readonly string[]): Check {
  const subjects = `${subject.length} subject${subject.length === 1 ? "" : "s"}`;
  const fields = ignored.slice(0, SHOWN_FIELDS).map(quote).join(", ");
  return passed("statement", {
    note: ignored.length === 0 ? subjects : `${subjects}; unknown fields ignored: ${fields}`,
  });
}

export function agreementRow(unproven: readonly FactName[]): Check {
  return passed(
    "agreement",
    unproven.length === 0 ? {} : { note: `unproven by the certificate: ${unproven.join(", ")}` },
  );
}
