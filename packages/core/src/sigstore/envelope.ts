// SPDX-License-Identifier: Apache-2.0
// DSSE's pre-authentication encoding: the bytes that are signed and, for Rekor v2, hashed
// (secure-systems-lab/dsse, protocol.md). It binds the payload to its type and leaves no boundary to guess.

/** The payload type of an in-toto statement in JSON. */
export const IN_TOTO_PAYLOAD_TYPE = "application/vnd.in-toto+json";

/** `DSSEv1 SP LEN(type) SP type SP LEN(payload) SP payload`, lengths in bytes. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const header = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.byteLength} `;
  return new Uint8Array(Buffer.concat([Buffer.from(header), payload]));
}
