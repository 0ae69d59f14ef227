// SPDX-License-Identifier: Apache-2.0
// A blob's pin is its ETag without quotation marks: the listing writes it so, the headers do not. Azure gives each
// state of a blob a new one. From a reply it is the store's word; from a pins file it is anybody's.
import { quote } from "@kiteseal/core/store";
import type { Pin } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";

const PIN = /^[\x21\x23-\x7e]{1,128}$/;

/** Throws Unavailable if the reply has no usable ETag. */
export function pinFromEtag(etag: string | undefined, subject: string): Pin {
  const pin = etag?.replace(/^"(.*)"$/s, "$1") ?? "";
  if (PIN.test(pin)) return pin;
  throw new AdapterError(
    "Unavailable",
    `the reply for ${quote(subject)} has no usable ETag: found ${quote(etag ?? "")}`,
  );
}

/** For If-Match. Throws PinChanged for what was never an ETag here. */
export function etagFromPin(pin: Pin, subject: string): string {
  if (PIN.test(pin)) return `"${pin}"`;
  throw new AdapterError("PinChanged", `no blob ${quote(subject)} has the pin ${quote(pin)}`);
}
