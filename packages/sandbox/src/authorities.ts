// SPDX-License-Identifier: Apache-2.0
// The authorities of one sandbox, made from its state: the same keys, names and chains on every start.
import { type CertificateAuthority, intermediate, SANDBOX_NAME, selfSignedRoot } from "./certificate-authority.ts";
import { createCtLog, type CtLog } from "./ct-log.ts";
import { noteKeyId } from "./note.ts";
import { RekorV1, treeId } from "./rekor-v1.ts";
import { RekorV2 } from "./rekor-v2.ts";
import type { State } from "./state.ts";
import { type TimestampAuthority, timestampCertificate } from "./timestamp.ts";
import { HOSTS } from "./trust.ts";

/** Keys, chains and logs, for tests that forge. */
export interface Authorities {
  readonly fulcio: CertificateAuthority;
  readonly ctLog: CtLog;
  readonly rekorV1: RekorV1;
  readonly rekorV2: RekorV2;
  readonly timestamp: TimestampAuthority;
}

export function openAuthorities(state: State, clock: () => Date): Authorities {
  const v1 = { name: HOSTS.rekorV1, key: state.keys["rekor-v1"] };
  const v1Identity = { origin: `${HOSTS.rekorV1} - ${treeId(noteKeyId(v1))}`, signer: v1 };
  const v2Identity = { origin: HOSTS.rekorV2, signer: { name: HOSTS.rekorV2, key: state.keys["rekor-v2"] } };
  return {
    fulcio: openFulcio(state),
    ctLog: createCtLog(state.keys["ct-log"]),
    rekorV1: new RekorV1(v1Identity, state.log("rekor-v1"), clock),
    rekorV2: new RekorV2(v2Identity, state.log("rekor-v2")),
    timestamp: openTimestamp(state),
  };
}

function openFulcio(state: State): CertificateAuthority {
  const { keys, created } = state;
  const root = { key: keys["fulcio-root"], subject: { organization: SANDBOX_NAME, commonName: SANDBOX_NAME } };
  const lower = {
    key: keys["fulcio-intermediate"],
    subject: { organization: SANDBOX_NAME, commonName: `${SANDBOX_NAME}-intermediate` },
  };
  return {
    root: { ...root, certificate: state.remember("fulcio-root", () => selfSignedRoot({ ...root, created })) },
    intermediate: {
      ...lower,
      certificate: state.remember("fulcio-intermediate", () => intermediate({ ...lower, created }, root)),
    },
  };
}

function openTimestamp(state: State): TimestampAuthority {
  const { keys, created } = state;
  const root = {
    key: keys["timestamp-root"],
    subject: { organization: SANDBOX_NAME, commonName: `${SANDBOX_NAME}-timestamp-root` },
  };
  const key = keys.timestamp;
  return {
    key,
    certificate: state.remember("timestamp", () => timestampCertificate({ key, root, created })),
    root: { ...root, certificate: state.remember("timestamp-root", () => selfSignedRoot({ ...root, created })) },
  };
}
