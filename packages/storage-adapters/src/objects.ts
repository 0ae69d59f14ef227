// SPDX-License-Identifier: Apache-2.0
// Names and pins as the replies of stores hold them.
import { isKitesealError, parseKey, quote } from "@kiteseal/core/store";
import type { Key, StoredObject } from "@kiteseal/core/store";
import { AdapterError } from "./adapter.ts";

/** undefined for a name that no key can have ("folders" that end in a slash, controls). */
export function keyOf(name: string): Key | undefined {
  try {
    return parseKey(name);
  } catch (error) {
    if (isKitesealError(error)) return undefined;
    throw error;
  }
}

/**
 * The key of what a listing names; undefined for the empty marker of a folder ("…/"), which holds nothing. Throws Irregular
 * for any other name that no key can have: left out without a word, it would be taken for verified with the rest.
 */
export function listedKey(name: string, size: number): Key | undefined {
  const key = keyOf(name);
  if (key !== undefined || (size === 0 && name.endsWith("/"))) return key;
  throw new AdapterError("Irregular", `the listing holds ${quote(name)}: expected a name that a key can have`, {
    hint: "remove it from the store, or name its objects one by one",
  });
}

/** Throws PinChanged. */
export function requirePin(object: StoredObject, found: string): void {
  if (found === object.pin) return;
  throw new AdapterError(
    "PinChanged",
    `${quote(object.key)} was replaced: expected pin ${quote(object.pin)}, found ${quote(found)}`,
  );
}
