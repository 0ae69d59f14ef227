// SPDX-License-Identifier: Apache-2.0
// Enough DER to write extensions that no honest authority writes. Nothing here is checked.

/** One value with its tag octet. */
export function tlv(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const octets = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...octets), content]);
}

export const utf8String = (text: string): Buffer => tlv(0x0c, Buffer.from(text, "utf8"));

const FULCIO = "1.3.6.1.4.1.57264.1";

export const fulcioOid = (number: number): string => `${FULCIO}.${number}`;

/** A Fulcio extension from .8 on. */
export function fulcioExtension(number: number, text: string): { oid: string; value: Buffer } {
  return { oid: fulcioOid(number), value: utf8String(text) };
}
