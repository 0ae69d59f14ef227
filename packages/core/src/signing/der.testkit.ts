// SPDX-License-Identifier: Apache-2.0
// Just enough DER to play a certificate authority and a timestamp authority in unit tests.
import { createHash, generateKeyPairSync, sign, type KeyObject } from "node:crypto";

function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  if (body.length < 128) return Buffer.concat([Buffer.of(tag, body.length), body]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  const short = length.subarray(length.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.of(tag, 0x80 | short.length), short, body]);
}

const sequence = (...contents: readonly Uint8Array[]): Buffer => der(0x30, ...contents);
const integer = (...bytes: readonly number[]): Buffer => der(0x02, Buffer.from(bytes));
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, "hex"));
const time = (date: Date): Buffer => der(0x18, Buffer.from(date.toISOString().replace(/[-:T]|\.\d+/g, "")));
const ECDSA_SHA256 = sequence(oid("2a8648ce3d040302"));
const SHA256 = sequence(oid("608648016503040201"), Buffer.from("0500", "hex"));

/** A certificate for `publicKey` (SPKI), PEM, signed by a key of nobody. */
export function certificatePem(publicKey: KeyObject, validity: { notBefore: Date; notAfter: Date }): string {
  const spki = publicKey.export({ type: "spki", format: "der" });
  const name = sequence(der(0x31, sequence(oid("550403"), der(0x0c, Buffer.from("test")))));
  const dates = sequence(time(validity.notBefore), time(validity.notAfter));
  const tbs = sequence(der(0xa0, integer(2)), integer(1), ECDSA_SHA256, name, dates, name, spki);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const signature = der(0x03, Buffer.of(0), sign("sha256", tbs, privateKey));
  const body = sequence(tbs, ECDSA_SHA256, signature)
    .toString("base64")
    .replace(/(.{64})/g, "$1\n");
  return `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
}

export interface StampOptions {
  readonly status?: number;
  readonly imprint: Uint8Array;
  readonly nonce?: Uint8Array;
  readonly time: Date;
}

/** A TimeStampResp without certificates and signature: those are the verifier's business. */
export function timestampReply({ status = 0, imprint, nonce, time: at }: StampOptions): Buffer {
  const info = sequence(
    integer(1),
    oid("2b06010401"),
    sequence(SHA256, der(0x04, imprint)),
    integer(7),
    time(at),
    ...(nonce === undefined ? [] : [der(0x02, nonce)]),
  );
  const content = sequence(oid("2a864886f70d0109100104"), der(0xa0, der(0x04, info)));
  const signedData = sequence(integer(3), der(0x31), content, der(0x31));
  const token = sequence(oid("2a864886f70d010702"), der(0xa0, signedData));
  return status > 1 ? sequence(sequence(integer(status))) : sequence(sequence(integer(status)), token);
}

/** What a TimeStampReq asks for; throws unless it is exactly version 1, SHA-256, nonce, certReq. */
export function readTimestampQuery(query: Buffer): { imprint: Buffer; nonce: Buffer } {
  const imprint = query.subarray(24, 56);
  const nonce = query.subarray(58, 66);
  const expected = sequence(
    integer(1),
    sequence(SHA256, der(0x04, imprint)),
    der(0x02, nonce),
    Buffer.from("0101ff", "hex"),
  );
  if (!expected.equals(query)) throw new Error(`not the expected query: ${query.toString("hex")}`);
  return { imprint, nonce };
}

export const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();
