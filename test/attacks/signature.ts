// SPDX-License-Identifier: Apache-2.0
// Attacks on the signature itself. The log entry is made to fit, so that the signature alone can tell.
import { sign } from "node:crypto";
import { generateKey } from "@kiteseal/sandbox";
import { attacksOn, type Spec } from "./spec.ts";

const P384 = await generateKey("P-384");
const ED25519 = await generateKey("ed25519");
/** The log hashes what the attacker signed, as a lax log would. */
const flip = (signature: Buffer): Buffer => {
  signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
  return signature;
};
/** hashedRecordBody knows ECDSA keys only. */
const promised: Spec = { logs: [{ kind: "v1-hashedrekord" }] };

export const SIGNATURE_ATTACKS = attacksOn("signature", "ERR_SIGNATURE", [
  {
    id: "base64-signed-instead-of-the-encoding",
    why: "the official plugin signs the base64 text of the payload",
    attack: { over: ({ payload }) => Buffer.from(Buffer.from(payload).toString("base64")) },
  },
  {
    id: "payload-signed-instead-of-the-encoding",
    why: "a signature over the bare payload says nothing of its type",
    attack: { over: ({ payload }) => payload },
  },
  {
    id: "encoding-without-the-type",
    why: "an encoding that leaves out the type",
    attack: { over: ({ payload }) => Buffer.concat([Buffer.from(`DSSEv1 0  ${payload.length} `), payload]) },
  },
  {
    id: "encoding-of-characters",
    why: "lengths counted otherwise than in bytes",
    attack: {
      over: ({ payload, payloadType }) =>
        Buffer.from(
          `DSSEv1 ${payloadType.length + 1} ${payloadType} ${payload.length} ${Buffer.from(payload).toString()}`,
        ),
    },
  },
  {
    id: "digest-signed-instead-of-the-encoding",
    why: "a signature over the digest of the payload",
    attack: { over: ({ encoding }) => encoding.subarray(0, 32) },
  },
  { id: "signature-changed", why: "the last byte of the signature", attack: { signature: flip } },
  {
    id: "signature-of-another-key",
    why: "somebody else's signature under this certificate",
    attack: (f) => ({ signature: () => sign("sha256", f.parts({}).encoding, f.otherKey) }),
  },
  {
    id: "signature-of-another-hash",
    why: "the right key over SHA-512",
    attack: (f) => ({ signature: () => sign("sha512", f.parts({}).encoding, f.key) }),
  },
  {
    id: "certificate-for-another-key",
    why: "a genuine certificate for a key that did not sign",
    attack: (f) => ({ certificateKey: f.otherKey }),
  },
  { id: "certificate-for-a-p384-key", why: "a key of another curve", base: promised, attack: { certificateKey: P384 } },
  {
    id: "certificate-for-an-ed25519-key",
    why: "a key of another kind",
    base: promised,
    attack: { certificateKey: ED25519 },
  },
  {
    id: "signature-raw",
    why: "r and s without their DER",
    attack: (f) => ({
      signature: () => sign("sha256", f.parts({}).encoding, { key: f.key, dsaEncoding: "ieee-p1363" }),
    }),
  },
  { id: "signature-one-byte", why: "a signature that is none", attack: { signature: () => Buffer.from([0]) } },
]);
