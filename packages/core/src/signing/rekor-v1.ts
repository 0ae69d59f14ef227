// SPDX-License-Identifier: Apache-2.0
// Transparency log, Rekor v1: a `dsse` 0.0.1 entry (rekor, openapi.yaml; types/dsse). The log receives the whole
// envelope. An entry that is already there (409: our own, after a lost reply) is fetched and is success. What the log
// answers is untrusted; whether the entry is ours and is included is checked by self-verification.
import { objectAt, parseJson, type ObjectReader } from "@kiteseal/in-toto-attestation/json";
import type { Context } from "../context.ts";
import { badReply, type HttpResponse } from "../http.ts";
import type { DsseEnvelope, InclusionProof, LogEntry } from "../sigstore/bundle.ts";
import type { Pace } from "../retry.ts";
import { LIMITS } from "../limits.ts";
import { asHex, callService, readReply, type ServiceCall } from "./call.ts";

export interface RekorV1Request {
  /** Base address of the log. */
  readonly url: string;
  readonly envelope: DsseEnvelope;
  readonly certificatePem: string;
  readonly pace?: Pace | undefined;
}

const SERVICE = "the transparency log";
/** A tree id of 8 bytes may come before the leaf's hash. */
const UUID = /(?:^|\/)((?:[0-9a-f]{16})?[0-9a-f]{64})$/;
const CONFLICT = 409;
const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString("base64");

/** Logs the envelope, or finds it logged. Errors: ERR_SERVICE_REFUSED, ERR_SERVICE_UNAVAILABLE, ERR_INTERRUPTED. */
export async function logToRekorV1(request: RekorV1Request, ctx: Context): Promise<LogEntry> {
  const url = `${request.url}/api/v1/log/entries`;
  const call = {
    service: SERVICE,
    contentType: "application/json",
    accept: "application/json",
    pace: request.pace,
  };
  const create: ServiceCall = { ...call, url, method: "POST", body: proposal(request), understood: [CONFLICT] };
  const created = await callService(create, ctx);
  if (created.status !== CONFLICT) return readEntry(created);
  const uuid = UUID.exec(created.headers.get("location") ?? "")?.[1];
  if (uuid === undefined) throw badReply(SERVICE, created, "says the entry exists and does not say where");
  // A leaf is known before it is in the tree, and until then it is not found.
  const existing = await callService({ ...call, url: `${url}/${uuid}`, method: "GET", alsoTransient: [404] }, ctx);
  return readEntry(existing);
}

function proposal({ envelope, certificatePem }: RekorV1Request): string {
  const dsse = {
    payloadType: envelope.payloadType,
    payload: base64(envelope.payload),
    signatures: [{ sig: base64(envelope.signature) }],
  };
  return JSON.stringify({
    apiVersion: "0.0.1",
    kind: "dsse",
    spec: { proposedContent: { envelope: JSON.stringify(dsse), verifiers: [base64(certificatePem)] } },
  });
}

/** `{ UUID: entry }`, one member. */
function readEntry(response: HttpResponse): LogEntry {
  return readReply(SERVICE, response, (o) => {
    const [uuid, ...others] = o.unknownKeys();
    if (uuid === undefined || others.length > 0) throw badReply(SERVICE, response, "did not send exactly one entry");
    return o.object(uuid, (entry): LogEntry => {
      const canonicalizedBody = entry.base64("body", { min: 1, max: LIMITS.serviceReplyBytes });
      const verification = entry.object("verification", (v) => ({
        inclusionPromise: v.base64("signedEntryTimestamp", { min: 1, max: LIMITS.textBytes }),
        inclusionProof: v.object("inclusionProof", readProof),
      }));
      return {
        logIndex: BigInt(entry.integer("logIndex", { min: 0 })),
        logId: entry.required("logID", asHex(32)),
        ...readKind(canonicalizedBody),
        integratedTime: BigInt(entry.integer("integratedTime", { min: 0 })),
        ...verification,
        canonicalizedBody,
      };
    });
  });
}

function readKind(body: Uint8Array): { kind: string; version: string } {
  const canonical = objectAt(parseJson(body), "$.body");
  return { kind: canonical.oneOf("kind", ["dsse"]), version: canonical.oneOf("apiVersion", ["0.0.1"]) };
}

function readProof(proof: ObjectReader): InclusionProof {
  return {
    logIndex: BigInt(proof.integer("logIndex", { min: 0 })),
    rootHash: proof.required("rootHash", asHex(32)),
    treeSize: BigInt(proof.integer("treeSize", { min: 1 })),
    hashes: proof.array("hashes", asHex(32), { max: 64 }),
    checkpoint: proof.string("checkpoint", { min: 1, max: LIMITS.textBytes }),
  };
}
