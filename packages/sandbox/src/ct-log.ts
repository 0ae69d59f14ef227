// SPDX-License-Identifier: Apache-2.0
// The certificate transparency log: takes a precertificate, checks that its issuer signed it, and promises to log it
// with a signed certificate timestamp (SCT) over what the certificate will be. RFC 6962 §3.2, §3.3, §4.2.
import { createHash, type KeyObject, sign, X509Certificate } from "node:crypto";
import { boolean, children, DerError, expectTag, octetString, oid, readDer, TAG, tlv } from "./der.ts";
import { decodeBase64, optionalStrings, parseObject } from "./json.ts";
import { Refusal, type Route } from "./server.ts";
import { type Extension, OID, spkiOf } from "./x509.ts";

export interface CtLog {
  /** SHA-256 of the log's public key. */
  readonly id: Uint8Array;
  readonly key: KeyObject;
  /** SCT for a precertificate, TLS encoding. Throws Refusal 400 if it is none or its issuer did not sign it. */
  timestamp(precertificate: Uint8Array, issuer: Uint8Array, time: Date): Uint8Array;
}

export function createCtLog(key: KeyObject): CtLog {
  const id = createHash("sha256").update(spkiOf(key)).digest();
  return {
    id,
    key,
    timestamp(precertificate, issuer, time) {
      const entry = precertificateEntry(precertificate, issuer);
      const milliseconds = Buffer.alloc(8);
      milliseconds.writeBigUInt64BE(BigInt(time.getTime()));
      // v1, certificate_timestamp, time, precert_entry, entry, no extensions
      const signed = Buffer.concat([
        Uint8Array.of(0, 0),
        milliseconds,
        Uint8Array.of(0, 1),
        entry,
        Uint8Array.of(0, 0),
      ]);
      const signature = sign("sha256", signed, key);
      const algorithm = Uint8Array.of(4, 3);
      return Buffer.concat([Uint8Array.of(0), id, milliseconds, Uint8Array.of(0, 0), algorithm, prefixed(signature)]);
    },
  };
}

/** The list of SCTs as the certificate's extension. */
export function sctExtension(scts: readonly Uint8Array[]): Extension {
  const list = prefixed(Buffer.concat(scts.map(prefixed)));
  return { oid: OID.signedCertificateTimestamps, value: octetString(list) };
}

/** The critical extension that makes a certificate useless for anything but logging. */
export function poisonExtension(): Extension {
  return { oid: OID.precertificatePoison, critical: true, value: tlv(TAG.null) };
}

function prefixed(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** issuer_key_hash and tbs_certificate. */
function precertificateEntry(precertificate: Uint8Array, issuer: Uint8Array): Buffer {
  try {
    const issuerKey = new X509Certificate(issuer).publicKey;
    if (!new X509Certificate(precertificate).verify(issuerKey)) {
      throw new Refusal(400, "precertificate is not signed by the second certificate of the chain");
    }
    const tbs = withoutPoison(precertificate);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(tbs.length);
    return Buffer.concat([createHash("sha256").update(spkiOf(issuerKey)).digest(), length.subarray(1), tbs]);
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    throw new Refusal(400, "precertificate cannot be parsed", { cause });
  }
}

function withoutPoison(precertificate: Uint8Array): Buffer {
  const fields = children(expectTag(children(readDer(precertificate))[0], TAG.sequence));
  const extensions = children(expectTag(children(expectTag(fields.at(-1), 0xa3))[0], TAG.sequence));
  const poison = Buffer.concat([oid(OID.precertificatePoison), boolean(true)]);
  const kept = extensions.filter(({ content }) => !poison.equals(content.subarray(0, poison.length)));
  if (kept.length !== extensions.length - 1) throw new DerError("no poison extension, or several");
  const list = tlv(0xa3, tlv(TAG.sequence, ...kept.map(({ raw }) => raw)));
  return tlv(TAG.sequence, ...fields.slice(0, -1).map(({ raw }) => raw), list);
}

/** `POST /ct/v1/add-pre-chain`, for certificate authorities outside the sandbox. */
export function ctLogRoutes(log: CtLog, clock: () => Date): readonly Route[] {
  return [
    {
      id: "ct-log.add-pre-chain",
      method: "POST",
      path: /^\/ct\/v1\/add-pre-chain$/,
      maxBytes: 256 * 1024,
      handle({ body }) {
        const [precertificate, issuer] = optionalStrings(parseObject(body), "chain").map((text) =>
          decodeBase64(text, "chain"),
        );
        if (precertificate === undefined || issuer === undefined) throw new Refusal(400, "chain is too short");
        const now = clock();
        const sct = log.timestamp(precertificate, issuer, now);
        return {
          status: 200,
          body: {
            sct_version: 0,
            id: Buffer.from(log.id).toString("base64"),
            timestamp: now.getTime(),
            extensions: "",
            signature: Buffer.from(sct.subarray(43)).toString("base64"),
          },
        };
      },
    },
  ];
}
