// SPDX-License-Identifier: Apache-2.0
// inspect: what a bundle says, verified by nobody. For eyes and for debugging; nothing here may gate anything, and every
// field's name says so.
import { decodeBundle, type Bundle, type LogEntry } from "../sigstore/bundle.ts";
import { readSigner, type SignerIdentity } from "../sigstore/certificate.ts";
import { certificateFacts } from "../buildkite/certificate-facts.ts";
import { BUILDKITE_ISSUER, type BuildFacts } from "../buildkite/facts.ts";
import { isKitesealError } from "../errors.ts";
import { sha256Hex } from "../artifact/digest.ts";
import { parseLeaf } from "../verification/certificate.ts";
import { readStatement, type SignedStatement } from "../verification/statement.ts";

export interface Inspection {
  readonly bundleDigest: string;
  readonly version: Bundle["version"];
  readonly content: Bundle["content"]["kind"];
  readonly unverifiedSigner?: SignerIdentity;
  readonly unverifiedBuild?: BuildFacts;
  readonly unverifiedValidity?: { readonly notBefore: Date; readonly notAfter: Date };
  readonly unverifiedStatement?: SignedStatement;
  readonly unverifiedLogEntries: readonly {
    readonly kind: string;
    readonly logIndex: bigint;
    readonly integratedTime?: Date;
  }[];
  readonly timestamps: number;
  /** Parts that could not be read, in words. */
  readonly problems: readonly string[];
}

/** Errors: ERR_LIMIT_EXCEEDED, ERR_BUNDLE_INVALID for bytes that are no bundle at all. */
export function inspectBundle(unverifiedBytes: Uint8Array): Inspection {
  const bundle = decodeBundle(unverifiedBytes);
  const problems: string[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!isKitesealError(error)) problems.push("a part of the certificate cannot be read");
      else problems.push(error.message);
      return undefined;
    }
  };
  const { signer, content } = bundle;
  const leaf =
    signer.kind === "certificate" ? attempt(() => parseLeaf(signer.chain[0] ?? new Uint8Array())) : undefined;
  const validity =
    leaf === undefined ? undefined : attempt(() => ({ notBefore: leaf.notBefore, notAfter: leaf.notAfter }));
  const identity = leaf === undefined ? undefined : attempt(() => readSigner(leaf));
  const statement =
    content.kind === "dsse" ? attempt(() => readStatement(content.envelope, { allowV01: true }).statement) : undefined;
  const build = identity?.issuer === BUILDKITE_ISSUER ? certificateFacts(identity).facts : undefined;
  return {
    bundleDigest: sha256Hex(unverifiedBytes),
    version: bundle.version,
    content: content.kind,
    ...(identity === undefined ? {} : { unverifiedSigner: identity }),
    ...(build === undefined ? {} : { unverifiedBuild: build }),
    ...(validity === undefined ? {} : { unverifiedValidity: validity }),
    ...(statement === undefined ? {} : { unverifiedStatement: statement }),
    unverifiedLogEntries: bundle.logEntries.map(describeEntry),
    timestamps: bundle.timestamps.length,
    problems,
  };
}

function describeEntry(entry: LogEntry): Inspection["unverifiedLogEntries"][number] {
  const { kind, version, logIndex, integratedTime } = entry;
  const date = new Date(Number(integratedTime) * 1000);
  // Zero is a log without a time; a number that is no date is shown as none.
  const time = integratedTime === 0n || Number.isNaN(date.getTime()) ? {} : { integratedTime: date };
  return { kind: `${kind} ${version}`, logIndex, ...time };
}
