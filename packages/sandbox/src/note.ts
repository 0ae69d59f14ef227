// SPDX-License-Identifier: Apache-2.0
// Checkpoints as signed notes: origin, tree size, root hash, then one signature line. The key hint of an Ed25519 log
// (Rekor v2) is bound to its name, that of an ECDSA log (Rekor v1) is the digest of its public key.
// C2SP signed-note and tlog-checkpoint.
import { createHash, type KeyObject, sign } from "node:crypto";
import { spkiOf } from "./x509.ts";

/** What a signature line needs. */
export interface NoteSigner {
  /** Name on the signature line; no white space. */
  readonly name: string;
  /** P-256 or Ed25519 private key. */
  readonly key: KeyObject;
}

/** The whole digest whose first four bytes are the key hint; also the log's id. */
export function noteKeyId({ name, key }: NoteSigner): Buffer {
  const spki = spkiOf(key);
  if (key.asymmetricKeyType !== "ed25519") return createHash("sha256").update(spki).digest();
  return createHash("sha256").update(`${name}\n`).update(Uint8Array.of(1)).update(spki.subarray(-32)).digest();
}

/** Text that must end with a newline, a blank line, one signature line. */
export function signNote(text: string, signer: NoteSigner): string {
  const digest = signer.key.asymmetricKeyType === "ed25519" ? null : "sha256";
  const signature = sign(digest, Buffer.from(text, "utf8"), signer.key);
  const line = Buffer.concat([noteKeyId(signer).subarray(0, 4), signature]).toString("base64");
  return `${text}\n\u2014 ${signer.name} ${line}\n`;
}

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly rootHash: Uint8Array;
}

/** The text of a checkpoint, before signing. */
export function checkpointText(checkpoint: Checkpoint): string {
  return `${checkpoint.origin}\n${checkpoint.size}\n${Buffer.from(checkpoint.rootHash).toString("base64")}\n`;
}
