// SPDX-License-Identifier: Apache-2.0
// Transparency log, Rekor v1: `dsse` and `hashedrekord` 0.0.1, answered with a signed entry timestamp (SET), an
// inclusion proof and a checkpoint. Requests are untrusted. Rekor's openapi, `POST /api/v1/log/entries`.
import { sign } from "node:crypto";
import { canonicalJson, parseObject } from "./json.ts";
import { type EntryFile, type LogIdentity, TransparencyLog, type TransparencyLogEntry } from "./log.ts";
import { leafHash } from "./merkle.ts";
import { acceptProposal } from "./rekor-v1-proposal.ts";
import { openApiRefusal, Refusal, type Reply, type Route } from "./server.ts";

export class RekorV1 {
  readonly log: TransparencyLog;
  readonly #clock: () => Date;

  constructor(identity: LogIdentity, file: EntryFile, clock: () => Date) {
    this.log = new TransparencyLog(identity, file);
    this.#clock = clock;
  }

  /** Logs any body, unchecked, equal or not to an earlier one. Returns its index. */
  add(body: string | Uint8Array, integratedTime: Date = this.#clock()): number {
    return this.log.append({ body: Buffer.from(body), integratedTime: Math.floor(integratedTime.getTime() / 1000) });
  }

  /** The entry as a bundle holds it, proven in the tree of the first `size` entries (default: all). Throws RangeError. */
  entry(index: number, size: number = this.log.size): TransparencyLogEntry {
    const { body, integratedTime } = this.log.entry(index);
    const { kind, apiVersion } = parseObject(body);
    return {
      logIndex: String(index),
      logId: { keyId: Buffer.from(this.log.id).toString("base64") },
      kindVersion: { kind: String(kind), version: String(apiVersion) },
      integratedTime: String(integratedTime),
      inclusionPromise: { signedEntryTimestamp: this.promise({ body, integratedTime, logIndex: index }) },
      inclusionProof: this.log.inclusionProof(index, size),
      canonicalizedBody: Buffer.from(body).toString("base64"),
    };
  }

  /** The signed entry timestamp over any body, time and index, base64. */
  promise(entry: { body: Uint8Array; integratedTime: number; logIndex: number }): string {
    const signed = canonicalJson({
      body: Buffer.from(entry.body).toString("base64"),
      integratedTime: entry.integratedTime,
      logID: Buffer.from(this.log.id).toString("hex"),
      logIndex: entry.logIndex,
    });
    return sign("sha256", Buffer.from(signed), this.log.identity.signer.key).toString("base64");
  }

  /** Tree id in 16 hex digits and leaf hash. */
  uuid(index: number): string {
    return `${treeId(this.log.id).toString(16).padStart(16, "0")}${leafHash(this.log.entry(index).body).toString("hex")}`;
  }
}

/** The number that follows the host name in a v1 checkpoint's origin; made from the log's id. */
export function treeId(logId: Uint8Array): bigint {
  return Buffer.from(logId).readBigUInt64BE() >> 1n;
}

export function rekorV1Routes(rekor: RekorV1, count: () => void): readonly Route[] {
  const shared = { maxBytes: 16 * 1024 * 1024, refusalBody: openApiRefusal };
  return [
    {
      ...shared,
      id: "rekor-v1.create",
      method: "POST",
      path: /^\/api\/v1\/log\/entries$/,
      handle({ body }) {
        const content = canonicalJson(acceptProposal(parseObject(body)));
        const known = rekor.log.find(Buffer.from(content));
        if (known !== undefined) {
          const location = `/api/v1/log/entries/${rekor.uuid(known)}`;
          const message = `an equal entry is in the log with UUID ${rekor.uuid(known)}`;
          throw new Refusal(409, message, { headers: { location } });
        }
        const index = rekor.add(content);
        count();
        return { ...entryReply(rekor, index), status: 201 };
      },
    },
    {
      ...shared,
      id: "rekor-v1.get",
      method: "GET",
      path: /^\/api\/v1\/log\/entries\/(?:[0-9a-f]{16})?([0-9a-f]{64})$/,
      handle({ parameters: [hash = ""] }) {
        const index = rekor.log.findLeaf(hash);
        if (index === undefined) throw new Refusal(404, "no such entry");
        return entryReply(rekor, index);
      },
    },
    {
      ...shared,
      id: "rekor-v1.get-by-index",
      method: "GET",
      path: /^\/api\/v1\/log\/entries$/,
      handle({ query }) {
        const index = Number(query.get("logIndex") ?? "-1");
        if (!Number.isInteger(index) || index < 0 || index >= rekor.log.size) throw new Refusal(404, "no such entry");
        return entryReply(rekor, index);
      },
    },
  ];
}

/** One entry in Rekor's own shape: hashes in hex, numbers as numbers. */
function entryReply(rekor: RekorV1, index: number): Reply {
  const entry = rekor.entry(index);
  const { inclusionProof: proof } = entry;
  const hex = (base64: string): string => Buffer.from(base64, "base64").toString("hex");
  const uuid = rekor.uuid(index);
  return {
    status: 200,
    headers: { location: `/api/v1/log/entries/${uuid}`, etag: uuid },
    body: {
      [uuid]: {
        body: entry.canonicalizedBody,
        integratedTime: Number(entry.integratedTime),
        logID: hex(entry.logId.keyId),
        logIndex: index,
        verification: {
          inclusionProof: {
            checkpoint: proof.checkpoint.envelope,
            hashes: proof.hashes.map(hex),
            logIndex: index,
            rootHash: hex(proof.rootHash),
            treeSize: Number(proof.treeSize),
          },
          signedEntryTimestamp: entry.inclusionPromise?.signedEntryTimestamp,
        },
      },
    },
  };
}
