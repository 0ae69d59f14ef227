// SPDX-License-Identifier: Apache-2.0
// What the diagnoses of several stores say and try alike.
import { isKitesealError } from "@kiteseal/core/store";
import type { Finding } from "@kiteseal/core/store";
import { AdapterError } from "./adapter.ts";

/** What a finding says of its subject. */
export type Told = readonly [severity: Finding["severity"], message: string, remedy?: string | undefined];

/** `id`: of the whole product, as in "s3.versioning". */
export function finding(id: string, subject: string, [severity, message, remedy]: Told): Finding {
  return { id, severity, subject, message, ...(remedy === undefined ? {} : { remedy }) };
}

/** A store's refusal is an answer here, not a failure. */
export async function attempt<T>(operation: () => Promise<T>): Promise<T | AdapterError> {
  try {
    return await operation();
  } catch (error) {
    if (error instanceof AdapterError) return error;
    throw error;
  }
}

/** Why it failed, for a finding; anything but a store's answer or a failure of ours is thrown on. */
export function told(error: unknown): string {
  if (error instanceof AdapterError || isKitesealError(error)) return error.message;
  throw error;
}
