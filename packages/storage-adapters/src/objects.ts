// SPDX-License-Identifier: Apache-2.0
// Names and pins as the replies of stores hold them.
import { isKitesealError, parseKey, quote } from "@kiteseal/core/store";
import type { Key, StoredObject } from "@kiteseal/core/store";
import { AdapterError } from "./adapter.ts";

/** undefined for a name that no key can have ("folders" that end in a slash, controls): it is no object of a Store. */
export function keyOf(name: string): Key | undefined {
  try {
    return parseKey(name);
  } catch (error) {
    if (isKitesealError(error)) return undefined;
    throw error;
  }
}

/** Throws PinChanged. */
export function requirePin(object: StoredObject, found: string): void {
  if (found === object.pin) return;
  throw new AdapterError(
    "PinChanged",
    `${quote(object.key)} was replaced: expected pin ${quote(object.pin)}, found ${quote(found)}`,
  );
}
