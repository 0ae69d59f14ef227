// SPDX-License-Identifier: Apache-2.0
// Log entries of every kind, as a log would have made them for the given parts, in a log that checks nothing.
// Rekor's dsse, hashedrekord and intoto types; hashedrekord 0.0.2 of Rekor v2.
import { createHash, createPublicKey } from "node:crypto";
import { hashedRecordBody, pemOf, RekorV1, RekorV2, type TransparencyLogEntry } from "@kiteseal/sandbox";
import type { LogSpec, Parts } from "../spec.ts";

const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();
const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString("base64");

function verifierPem({ certificate, publicKey }: Parts): string {
  if (publicKey === undefined) return pemOf(certificate);
  const key = createPublicKey({ key: Buffer.from(publicKey), format: "der", type: "spki" });
  return key.export({ type: "spki", format: "pem" }).toString();
}

const BODIES: Readonly<Record<LogSpec["kind"], (parts: Parts) => string>> = {
  v2: ({ encoding, signature, certificate, publicKey }) =>
    hashedRecordBody({
      digest: sha256(encoding),
      signature,
      ...(publicKey === undefined ? { certificate } : { publicKey }),
    }),
  "v1-dsse": (parts) =>
    JSON.stringify({
      apiVersion: "0.0.1",
      kind: "dsse",
      spec: {
        envelopeHash: { algorithm: "sha256", value: sha256(parts.signature).toString("hex") },
        payloadHash: { algorithm: "sha256", value: sha256(parts.payload).toString("hex") },
        signatures: [{ signature: base64(parts.signature), verifier: base64(verifierPem(parts)) }],
      },
    }),
  "v1-hashedrekord": (parts) =>
    JSON.stringify({
      apiVersion: "0.0.1",
      kind: "hashedrekord",
      spec: {
        data: { hash: { algorithm: "sha256", value: sha256(parts.encoding).toString("hex") } },
        signature: { content: base64(parts.signature), publicKey: { content: base64(verifierPem(parts)) } },
      },
    }),
  "v1-intoto": (parts) =>
    JSON.stringify({
      apiVersion: "0.0.2",
      kind: "intoto",
      spec: {
        content: {
          envelope: {
            payloadType: parts.payloadType,
            signatures: [{ publicKey: base64(verifierPem(parts)), sig: base64(base64(parts.signature)) }],
          },
          payloadHash: { algorithm: "sha256", value: sha256(parts.payload).toString("hex") },
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
