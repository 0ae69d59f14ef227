// SPDX-License-Identifier: Apache-2.0
// RFC 3161: a timestamp over the signature. The request is built by hand (it is 70 bytes of DER), the reply is checked
// to answer it: granted, our imprint, our nonce. Whether the authority's signature is good is checked by
// self-verification, against the trusted root.
import { createHash, randomBytes } from "node:crypto";
import { RFC3161Timestamp } from "@sigstore/core";
import type { Context } from "../context.ts";
import { KitesealError } from "../errors.ts";
import { badReply, type HttpResponse } from "../http.ts";
import type { Pace } from "../retry.ts";
import { callService } from "./call.ts";

export interface TimestampRequest {
  /** Full address; of a bare origin, `/api/v1/timestamp` is meant. */
  readonly url: string;
  /** What is stamped: the envelope's signature. */
  readonly signature: Uint8Array;
  readonly pace?: Pace | undefined;
}

export interface Timestamp {
  /** TimeStampResp, DER. */
  readonly der: Uint8Array;
  /** What it says; unverified. */
  readonly unverifiedTime: Date;
}

const SERVICE = "the timestamp authority";
const SHA_256_ALGORITHM = Buffer.from("300d06096086480165030402010500", "hex");
const INTEGER = 0x02;
/** PKIStatus (RFC 3161 §2.4.2). */
const GRANTED: readonly bigint[] = [0n, 1n];

/** Errors: ERR_SERVICE_REFUSED (also a status that is not granted), ERR_SERVICE_UNAVAILABLE, ERR_INTERRUPTED. */
export async function requestTimestamp(request: TimestampRequest, ctx: Context): Promise<Timestamp> {
  const imprint = createHash("sha256").update(request.signature).digest();
  // A first byte of 0x40 to 0x7f keeps the DER integer positive and of one length.
  const nonce = randomBytes(8);
  nonce.writeUInt8((nonce.readUInt8(0) & 0x3f) | 0x40, 0);
  const response = await callService(
    {
      service: SERVICE,
      url: timestampUrl(request.url),
      method: "POST",
      contentType: "application/timestamp-query",
      accept: "application/timestamp-reply",
      body: encodeRequest(imprint, nonce),
      pace: request.pace,
    },
    ctx,
  );
  return readTimestamp(response, imprint, nonce);
}

function timestampUrl(url: string): string {
  return new URL(url).pathname === "/" ? `${url.replace(/\/$/, "")}/api/v1/timestamp` : url;
}

/** TimeStampReq (RFC 3161 §2.4.1), version 1, certReq true: the bundle must carry the authority's certificates. */
function encodeRequest(imprint: Uint8Array, nonce: Uint8Array): Uint8Array {
  const messageImprint = der(0x30, SHA_256_ALGORITHM, der(0x04, imprint));
  return der(0x30, der(INTEGER, Buffer.of(1)), messageImprint, der(INTEGER, nonce), der(0x01, Buffer.of(0xff)));
}

/** Tag, length, contents; only for contents under 128 bytes. */
function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(contents);
  return Buffer.concat([Buffer.of(tag, body.length), body]);
}

interface Stamp {
  readonly status: bigint;
  readonly algorithm: string;
  readonly imprint: Uint8Array;
  readonly nonce: Uint8Array | undefined;
  readonly time: Date;
}

function readTimestamp(response: HttpResponse, imprint: Uint8Array, nonce: Uint8Array): Timestamp {
  const stamp = parse(response);
  if (stamp.algorithm !== "sha256" || Buffer.compare(stamp.imprint, imprint) !== 0) {
    throw badReply(SERVICE, response, "stamped something else than our signature");
  }
  if (stamp.nonce === undefined || Buffer.compare(stamp.nonce, nonce) !== 0) {
    throw badReply(SERVICE, response, "sent a timestamp that answers another request (nonce)");
  }
  return { der: response.bytes, unverifiedTime: stamp.time };
}

/** The library throws untyped errors on bytes it does not expect. */
function parse(response: HttpResponse): Stamp {
  let status: bigint;
  try {
    const reply = RFC3161Timestamp.parse(Buffer.from(response.bytes));
    status = reply.status;
    if (GRANTED.includes(status)) {
      const info = reply.tstInfo;
      return {
        status,
        algorithm: info.messageImprintHashAlgorithm,
        imprint: info.messageImprintHashedMessage,
        // After version, policy, imprint, serial number and time, the one integer is the nonce.
        nonce: info.root.subs.slice(5).find(({ tag }) => tag.isInteger())?.value,
        time: info.genTime,
      };
    }
  } catch {
    throw badReply(SERVICE, response, "sent something that is not a timestamp reply");
  }
  throw new KitesealError(
    "ERR_SERVICE_REFUSED",
    `${SERVICE} at ${response.origin} refuses: status ${status} of RFC 3161`,
    {
      details: { service: SERVICE, origin: response.origin, pkiStatus: String(status) },
    },
  );
}
