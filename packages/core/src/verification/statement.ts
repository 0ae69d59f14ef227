// SPDX-License-Identifier: Apache-2.0
// The signed payload is an in-toto Statement v1 whose names mean one thing to every reader. Input: bytes whose
// signature has been verified; their signer may still be hostile.
import {
  decodeStatement,
  repeatedSubjectName,
  STATEMENT_PAYLOAD_TYPE,
  unsafeNameReason,
  type Statement,
} from "@kiteseal/in-toto-attestation";
import { parseJson } from "@kiteseal/in-toto-attestation/json";
import { withCode } from "../decode.ts";
import { KitesealError, quote } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { DsseEnvelope } from "../sigstore/bundle.ts";

export type SignedStatement = Statement<Readonly<Record<string, unknown>>>;

function reject(expected: string, found: string): KitesealError {
  return new KitesealError("ERR_STATEMENT_INVALID", `the statement: expected ${expected}, found ${found}`, {
    details: { expected, found },
  });
}

/** v0.1 of the same format is what other builders still sign. Throws ERR_STATEMENT_INVALID. `ignored` lists fields that the specification does not define. */
export function readStatement(
  envelope: DsseEnvelope,
  options: { allowV01: boolean },
): { statement: SignedStatement; ignored: readonly string[] } {
  if (envelope.payloadType !== STATEMENT_PAYLOAD_TYPE)
    throw reject(STATEMENT_PAYLOAD_TYPE, quote(envelope.payloadType));
  const { statement, ignoredFields } = withCode({ code: "ERR_STATEMENT_INVALID", what: "the statement" }, () =>
    decodeStatement(parseJson(envelope.payload, { maxBytes: LIMITS.bundleBytes, maxDepth: LIMITS.jsonDepth }), options),
  );
  for (const { name } of statement.subject) {
    if (name === undefined) throw reject("a name for each subject", "a subject without one");
    const why = unsafeNameReason(name);
    if (why !== undefined) throw reject("clean subject names", `${quote(name)}: ${why}`);
  }
  const repeated = repeatedSubjectName(statement.subject);
  if (repeated !== undefined) throw reject("unique subject names", `${quote(repeated)} twice`);
  return { statement, ignored: ignoredFields };
}
