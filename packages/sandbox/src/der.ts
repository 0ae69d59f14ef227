// SPDX-License-Identifier: Apache-2.0
// DER as the sandbox needs it: a writer for certificates, SCT lists and RFC 3161 replies, and a strict reader for
// what clients send (timestamp requests, certificate requests, precertificates).
// Read bytes are untrusted: definite minimal lengths only, nothing beyond the end. X.690 §8, §10.

/** Universal tags used here; a constructed tag includes bit 0x20. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8: 0x0c,
  ia5: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One value: tag octet, then length, then the contents joined. */
export function tlv(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Uint8Array.of(tag), lengthOctets(content.length), content]);
}

function lengthOctets(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return Uint8Array.of(0x80 | octets.length, ...octets);
}

/** SEQUENCE of already encoded values. */
export function sequence(...values: readonly Uint8Array[]): Buffer {
  return tlv(TAG.sequence, ...values);
}

/** SET OF: the values are sorted by their encoding. X.690 §11.6. */
export function setOf(...values: readonly Uint8Array[]): Buffer {
  return tlv(TAG.set, ...values.toSorted((a, b) => Buffer.compare(a, b)));
}

/** `[n]` constructed: explicit around one value, or implicit around a collection's values. */
export function context(number: number, ...values: readonly Uint8Array[]): Buffer {
  return tlv(0xa0 | number, ...values);
}

/** Non-negative INTEGER from a number or from big-endian octets. */
export function integer(value: number | Uint8Array): Buffer {
  const octets = typeof value === "number" ? numberOctets(value) : value;
  const start = octets.findIndex((octet) => octet !== 0);
  const trimmed = start === -1 ? Uint8Array.of(0) : octets.subarray(start);
  const first = trimmed[0] ?? 0;
  return tlv(TAG.integer, first >= 0x80 ? Uint8Array.of(0) : Uint8Array.of(), trimmed);
}

function numberOctets(value: number): Uint8Array {
  const octets = Buffer.alloc(8);
  octets.writeBigUInt64BE(BigInt(value));
  return octets;
}

/** OBJECT IDENTIFIER from dotted decimal. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return tlv(TAG.oid, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

function base128(value: number): number[] {
  const octets = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    octets.unshift(0x80 | (rest % 128));
  }
  return octets;
}

export function utf8(text: string): Buffer {
  return tlv(TAG.utf8, Buffer.from(text, "utf8"));
}

export function octetString(...contents: readonly Uint8Array[]): Buffer {
  return tlv(TAG.octetString, ...contents);
}

/** BIT STRING of whole octets. */
export function bitString(octets: Uint8Array, unusedBits = 0): Buffer {
  return tlv(TAG.bitString, Uint8Array.of(unusedBits), octets);
}

export function boolean(value: boolean): Buffer {
  return tlv(TAG.boolean, Uint8Array.of(value ? 0xff : 0));
}

export function nullValue(): Buffer {
  return tlv(TAG.null);
}

/** GeneralizedTime in whole seconds, without a fraction. RFC 5280 §4.1.2.5.2. */
export function generalizedTime(date: Date): Buffer {
  return tlv(TAG.generalizedTime, Buffer.from(`${digits(date)}Z`, "ascii"));
}

/** Time of a certificate: UTCTime through 2049, GeneralizedTime from 2050. RFC 5280 §4.1.2.5. */
export function certificateTime(date: Date): Buffer {
  if (date.getUTCFullYear() >= 2050) return generalizedTime(date);
  return tlv(TAG.utcTime, Buffer.from(`${digits(date).slice(2)}Z`, "ascii"));
}

function digits(date: Date): string {
  return date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, "");
}

/** A value as read: its tag octet, the whole encoding, and the contents. */
export interface DerValue {
  readonly tag: number;
  readonly raw: Uint8Array;
  readonly content: Uint8Array;
}

/** Thrown for anything that is not the DER expected. */
export class DerError extends Error {}

/** Reads exactly one value. Throws DerError on trailing bytes, long lengths that are not minimal, multi-octet tags. */
export function readDer(bytes: Uint8Array): DerValue {
  const value = readAt(bytes);
  if (value.raw.length !== bytes.length) throw new DerError("bytes after the value");
  return value;
}

/** The values inside a constructed value. */
export function children(parent: DerValue): readonly DerValue[] {
  const values: DerValue[] = [];
  for (let rest = parent.content; rest.length > 0;) {
    const value = readAt(rest);
    values.push(value);
    rest = rest.subarray(value.raw.length);
  }
  return values;
}

/** The value at an index, which must carry the tag. Throws DerError. */
export function expectTag(value: DerValue | undefined, tag: number): DerValue {
  if (value === undefined) throw new DerError(`expected tag ${tag}, found nothing`);
  if (value.tag !== tag) throw new DerError(`expected tag ${tag}, found ${value.tag}`);
  return value;
}

function readAt(bytes: Uint8Array): DerValue {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined) throw new DerError("value cut short");
  if ((tag & 0x1f) === 0x1f) throw new DerError("tags of several octets are not expected");
  if (first < 0x80) return slice(bytes, tag, { header: 2, length: first });
  const count = first & 0x7f;
  if (count === 0 || count > 3) throw new DerError("length is indefinite or too long");
  const octets = bytes.subarray(2, 2 + count);
  const length = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  if (octets.length !== count || octets[0] === 0 || length < 0x80) throw new DerError("length is not minimal");
  return slice(bytes, tag, { header: 2 + count, length });
}

function slice(bytes: Uint8Array, tag: number, size: { header: number; length: number }): DerValue {
  const end = size.header + size.length;
  if (end > bytes.length) throw new DerError("value cut short");
  return { tag, raw: bytes.subarray(0, end), content: bytes.subarray(size.header, end) };
}
