// SPDX-License-Identifier: Apache-2.0
// Log entries of every kind, as a log would have made them for the given parts, in a log that checks nothing.
// Rekor's dsse, hashedrekord and intoto types; hashedrekord 0.0.2 of Rekor v2.
import { createHash } from "node:crypto";
import { hashedRecordBody, pemOf, RekorV1, RekorV2, type TransparencyLogEntry } from "@kiteseal/sandbox";
import type { LogSpec, Parts } from "../spec.ts";

const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();
const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString("base64");

const BODIES: Readonly<Record<LogSpec["kind"], (parts: Parts) => string>> = {
  v2: ({ encoding, signature, certificate }) => hashedRecordBody({ digest: sha256(encoding), signature, certificate }),
  "v1-dsse": ({ payload, signature, certificate }) =>
    JSON.stringify({
      apiVersion: "0.0.1",
      kind: "dsse",
      spec: {
        envelopeHash: { algorithm: "sha256", value: sha256(signature).toString("hex") },
        payloadHash: { algorithm: "sha256", value: sha256(payload).toString("hex") },
        signatures: [{ signature: base64(signature), verifier: base64(pemOf(certificate)) }],
      },
    }),
  "v1-hashedrekord": ({ encoding, signature, certificate }) =>
    JSON.stringify({
      apiVersion: "0.0.1",
      kind: "hashedrekord",
      spec: {
        data: { hash: { algorithm: "sha256", value: sha256(encoding).toString("hex") } },
        signature: { content: base64(signature), publicKey: { content: base64(pemOf(certificate)) } },
      },
    }),
  "v1-intoto": ({ payload, payloadType, signature, certificate }) =>
    JSON.stringify({
      apiVersion: "0.0.2",
      kind: "intoto",
      spec: {
        content: {
          envelope: {
            payloadType,
            signatures: [{ publicKey: base64(pemOf(certificate)), sig: base64(base64(signature)) }],
          },
          payloadHash: { algorithm: "sha256", value: sha256(payload).toString("hex") },
        },
      },
    }),
};

export interface Logs {
  readonly v1: RekorV1;
  readonly v2: RekorV2;
}

export function logEntry(spec: LogSpec, parts: Parts, o: { logs: Logs; signed: Date }): TransparencyLogEntry {
  const body = BODIES[spec.kind]({ ...parts, ...spec.about });
  const log = spec.in ?? (spec.kind === "v2" ? o.logs.v2 : o.logs.v1);
  const content = spec.body?.(body) ?? body;
  const index = log instanceof RekorV1 ? log.add(content, spec.integrated ?? o.signed) : log.add(content);
  const entry = log.entry(index);
  if (entry.inclusionPromise === null) Reflect.deleteProperty(entry, "inclusionPromise");
  spec.edit?.(entry, log);
  return entry;
}
