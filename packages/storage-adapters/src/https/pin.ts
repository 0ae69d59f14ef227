// SPDX-License-Identifier: Apache-2.0
// What a web server's reply says of the object as a whole. Untrusted: a pin from it only tells that it is still the same
// object by the server's own account; a weak ETag, or one that a server makes up anew each time, does not even do that.
import type { IncomingHttpHeaders } from "node:http";
import { quote } from "@kiteseal/core/store";
import type { Pin } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";

const STRONG_ETAG = /^"[\x21\x23-\x7e]{1,128}"$/;
const CONTENT_RANGE = /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15})$/;
const LENGTH = /^\d{1,15}$/;

export interface Described {
  /** Of the whole object; undefined: not told. */
  readonly length: number | undefined;
  /** Strong ones only. */
  readonly etag: string | undefined;
  /** First byte of a partial reply. */
  readonly start: number | undefined;
}

/** Throws Unavailable for bytes that were encoded on the way. */
export function describeReply(headers: IncomingHttpHeaders): Described {
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") {
    throw new AdapterError("Unavailable", `the server sends the content encoding ${quote(encoding)} unasked`, {
      hint: "turn off compression for artifacts at the server: what is verified is the bytes that were published",
    });
  }
  const [, start, total] = CONTENT_RANGE.exec(headers["content-range"] ?? "") ?? [];
  const length = total ?? (headers["content-range"] === undefined ? headers["content-length"] : undefined);
  const etag = headers["etag"];
  return {
    length: length !== undefined && LENGTH.test(length) ? Number(length) : undefined,
    etag: etag !== undefined && STRONG_ETAG.test(etag) ? etag : undefined,
    start: start === undefined ? undefined : Number(start),
  };
}

/** As in `"abc";12` or, without a strong ETag, `;12`. */
export function pinOf({ etag, length }: Described): Pin {
  return `${etag ?? ""};${length ?? ""}`;
}
